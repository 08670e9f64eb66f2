"""What was asked for, what there is, and that the difference is never silent."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import pytest
from numpy.typing import NDArray
from structlog.testing import capture_logs

from benchmarks.cases.accuracy import spec_of
from configs.schema import ModelSettings
from detect.accelerator import (
    CPU,
    PROVIDERS,
    Accelerator,
    AcceleratorError,
    accelerator,
    library_fault,
    require,
    to_try,
)
from detect.factory import plan_detector
from detect.session import OnnxSession, free_inputs
from ingest.pictures import ArrayPicture
from models.errors import NotADetectorError
from models.manifest import Manifest, ModelEntry
from models.spec import ModelSpec
from models.store import ModelStore

MakeModel = Callable[..., ModelSpec]
CUDA, TENSORRT, OPENVINO, PLAIN = (PROVIDERS[name] for name in ("cuda", "tensorrt", "openvino", "cpu"))


@pytest.mark.parametrize(
    ("asked", "available", "tried"),
    [
        pytest.param("cpu", [CUDA, PLAIN], (), id="nobody asked for the GPU that is there"),
        pytest.param("cuda", [PLAIN], ("cuda",), id="asked for and not there: tried, so that it is told"),
        pytest.param("tensorrt", [TENSORRT, CUDA, PLAIN], ("tensorrt", "cuda"), id="the GPU without TensorRT is next"),
        pytest.param("auto", [TENSORRT, CUDA, PLAIN], ("cuda",), id="auto compiles nothing for minutes"),
        pytest.param("auto", [OPENVINO, PLAIN], ("openvino",), id="auto takes what is there"),
        pytest.param("auto", [PLAIN], (), id="auto without any is the processor, and no fault"),
    ],
)
def test_what_is_tried_and_in_which_order(asked: Any, available: list[str], tried: tuple[str, ...]) -> None:
    assert to_try(asked, available) == tried


def test_the_missing_package_is_named() -> None:
    with pytest.raises(AcceleratorError, match=r"no provider for openvino, only Azure, CPU; .*onnxruntime-openvino"):
        require("openvino", [PLAIN, "AzureExecutionProvider"], "m")


def test_options_name_the_device_the_caches_and_the_batches(tmp_path: Path) -> None:
    cuda = accelerator("cuda", 1)
    assert [name for name, _ in cuda.providers] == [CUDA, PLAIN]
    assert cuda.providers[0][1]["device_id"] == "1"
    assert cuda.bound_to == ("cuda", 1)
    tensorrt = accelerator(
        "tensorrt", None, cache=tmp_path, free_inputs={"images": (3, 64, 96), "sizes": (2,)}, batch=8
    )
    assert [name for name, _ in tensorrt.providers] == [TENSORRT, CUDA, PLAIN]
    options = tensorrt.providers[0][1]
    assert options["trt_engine_cache_path"] == str(tmp_path / "tensorrt")
    assert options["trt_profile_min_shapes"] == "images:1x3x64x96,sizes:1x2"
    assert options["trt_profile_max_shapes"] == "images:8x3x64x96,sizes:8x2"
    assert "trt_profile_min_shapes" not in accelerator("tensorrt", 0).providers[0][1], "a fixed batch has no range"
    openvino = accelerator("openvino", "NPU", cache=tmp_path)
    assert openvino.providers[0] == (OPENVINO, {"device_type": "NPU", "cache_dir": str(tmp_path / "openvino")})
    assert openvino.bound_to is None


def test_why_a_library_does_not_load_is_told(tmp_path: Path) -> None:
    assert library_fault(CUDA, tmp_path) is None, "no library of that provider here"
    (tmp_path / "libonnxruntime_providers_cuda.so").write_bytes(b"of another machine")
    fault = library_fault(CUDA, tmp_path)
    assert fault is not None
    assert fault.startswith("libonnxruntime_providers_cuda.so: ")
    assert str(tmp_path) not in fault


@pytest.fixture
def model_store(tmp_path: Path, onnx_model: MakeModel) -> Callable[..., ModelStore]:
    """A store of the one model ``constant``, which always answers ``output``."""

    def make(output: NDArray[np.float32], **more: Any) -> ModelStore:
        spec = onnx_model(output, **more)
        entry = ModelEntry(
            id=spec.id,
            sha256=spec.sha256,
            size=spec.path.stat().st_size,
            licence=spec.licence,
            input=spec.input,
            head=spec.head,
            labels="coco80",
        )
        return ModelStore(tmp_path, Manifest(models=(entry,)), opener=None)

    return make


@pytest.fixture
def silent_runtime() -> Iterator[None]:
    """ONNX Runtime as a package that lists a provider it cannot load: it warns of nothing and leaves it out."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Specified provider")
        yield


def listed(*names: str) -> Callable[[], list[str]]:
    return lambda: [*names, PLAIN]


@pytest.mark.usefixtures("silent_runtime")
@pytest.mark.parametrize(
    ("asked", "available", "cause"),
    [
        ("cuda", listed(), "no provider for cuda"),
        ("cuda", listed(CUDA), "cuda was left out by ONNX Runtime, which would run on CPUExecutionProvider"),
        ("tensorrt", listed(TENSORRT, CUDA), "tensorrt was left out"),
        ("openvino", listed(OPENVINO), "openvino was left out"),
        ("auto", listed(CUDA), "cuda was left out"),
    ],
)
def test_a_fallback_to_the_processor_is_told(
    model_store: Callable[..., ModelStore],
    yolox_output: NDArray[np.float32],
    asked: Any,
    available: Callable[[], list[str]],
    cause: str,
) -> None:
    settings = ModelSettings(id="constant", accelerator=asked, min_score=0.5)
    with capture_logs() as logs:
        plan = plan_detector(settings, model_store(yolox_output), cores=2, available=available)
    assert (plan.mode, plan.accelerator, plan.batch) == ("model", "cpu", 1)
    assert plan.fallback is not None
    assert cause in plan.fallback.cause
    assert plan.reason is not None
    assert plan.reason.startswith(f"detection runs on cpu instead of {asked}: {plan.fallback.cause}; ")
    errors = [log for log in logs if log["log_level"] == "error"]
    assert errors[0]["event"] == "accelerator_unusable"
    assert errors[0]["action"] == plan.fallback.action
    found = plan.open().for_camera("gate").detect(ArrayPicture(np.zeros((64, 64, 3), np.uint8)))
    assert len(found) == 1, "and it detects"


@pytest.mark.usefixtures("silent_runtime")
def test_a_fallback_can_be_refused_and_auto_cannot_be(
    model_store: Callable[..., ModelStore], yolox_output: NDArray[np.float32]
) -> None:
    store = model_store(yolox_output)
    settings = ModelSettings(id="constant", accelerator="cuda", fallback="refuse")
    with pytest.raises(AcceleratorError, match=r"model constant: .*onnxruntime-gpu"):
        plan_detector(settings, store, cores=2, available=listed())
    auto = settings.model_copy(update={"accelerator": "auto"})
    assert plan_detector(auto, store, cores=2, available=listed(CUDA)).fallback is not None
    assert plan_detector(auto, store, cores=2, available=listed()).reason is None


@pytest.mark.usefixtures("silent_runtime")
def test_a_bad_model_is_no_fault_of_the_accelerator(
    model_store: Callable[..., ModelStore], yolox_output: NDArray[np.float32]
) -> None:
    settings = ModelSettings(id="constant", accelerator="cuda", fallback="refuse")
    with pytest.raises(NotADetectorError, match="best score"):
        plan_detector(settings, model_store(np.zeros_like(yolox_output)), cores=2, available=listed(CUDA))


def test_a_batch_axis_that_is_free_by_name_only_is_found_before_the_first_frame(
    model_store: Callable[..., ModelStore], yolox_output: NDArray[np.float32]
) -> None:
    settings = ModelSettings(id="constant", batch=4, min_score=0.5)
    with capture_logs() as logs:
        plan = plan_detector(settings, model_store(yolox_output, input_shape=("n", 3, 64, 64)), cores=2)
    assert plan.batch == 1
    assert [(log["event"], log["batch"]) for log in logs] == [("batch_refused", 4)]
    assert plan.fallback is None
    fixed = plan_detector(settings, model_store(yolox_output), cores=2)
    assert fixed.batch == 1, "a fixed batch axis is the model's own"


def on_host(number: int = 0) -> Accelerator:
    """The processor with inputs bound to the host's memory, by the calls that bind them to a GPU's."""
    return Accelerator("cuda", CPU.providers, ("cpu", number))


@pytest.mark.parametrize("pictures", [1, 2, 3, 5])
def test_bound_memory_gives_the_same_outputs(shared_folder: Path, pictures: int) -> None:
    spec = spec_of(shared_folder / "models" / "deimv2_atto_320.onnx")
    plain, bound = OnnxSession(spec, batch=5), OnnxSession(spec, accelerator=on_host(), batch=5)
    random = np.random.default_rng(7)
    for _ in range(2):
        plain.input[:] = bound.input[:] = random.uniform(0, 1, plain.input.shape)
        for one, other in zip(plain.run(pictures), bound.run(pictures), strict=True):
            for mine, theirs in zip(one, other, strict=True):
                np.testing.assert_allclose(mine, theirs, rtol=1e-4, atol=1e-4)


def test_bound_memory_holds_half_precision_and_fixed_batches(
    onnx_model: MakeModel, yolox_output: NDArray[np.float32]
) -> None:
    both = np.concatenate([yolox_output, 2 * yolox_output]).astype(np.float16)
    session = OnnxSession(onnx_model(both, input_type="float16", input_shape=(2, 3, 64, 64)), accelerator=on_host())
    outputs = session.run(1)
    np.testing.assert_array_equal(outputs[0][0], both[:1].astype(np.float32))
    assert outputs[0][0].dtype == np.float32
    np.testing.assert_array_equal(session.run(2)[1][0], both[1:].astype(np.float32))


def test_another_provider_than_the_processor_is_used_where_it_loads(
    onnx_model: MakeModel, yolox_output: NDArray[np.float32]
) -> None:
    other = "AzureExecutionProvider"  # in the plain package; it takes no node of such a graph
    if other not in ort.get_available_providers():
        pytest.skip(f"this ONNX Runtime has no {other}")
    session = OnnxSession(onnx_model(yolox_output), accelerator=Accelerator("cuda", ((other, {}), *CPU.providers)))
    np.testing.assert_array_equal(session.run()[0][0], yolox_output)


def test_only_free_batch_axes_need_a_range(
    shared_folder: Path, onnx_model: MakeModel, yolox_output: NDArray[np.float32]
) -> None:
    free = free_inputs(spec_of(shared_folder / "models" / "deimv2_atto_320.onnx"))
    assert free == {"images": (3, 320, 320), "orig_target_sizes": (2,)}
    assert free_inputs(onnx_model(yolox_output)) == {}
