"""What the detector runs on: from what the settings ask for to ONNX Runtime's providers. Pure, but for its last lines.

ONNX Runtime falls back to the processor in silence (onnxruntime issues 17801 and 23647): ``get_available_providers``
names what was compiled in, whether its libraries load or not. So what was asked for is compared with what an opened
session says, in :mod:`detect.session`. The options are those of onnxruntime.ai/docs/execution-providers.
"""

from __future__ import annotations

import ctypes
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from models.errors import ModelError

Name = Literal["cpu", "cuda", "tensorrt", "openvino"]
Asked = Literal["cpu", "cuda", "tensorrt", "openvino", "auto"]

PROVIDERS: Mapping[Name, str] = MappingProxyType(
    {
        "cpu": "CPUExecutionProvider",
        "cuda": "CUDAExecutionProvider",
        "tensorrt": "TensorrtExecutionProvider",
        "openvino": "OpenVINOExecutionProvider",
    }
)
PACKAGES: Mapping[Name, str] = MappingProxyType(
    {
        "cpu": "onnxruntime",
        "cuda": "onnxruntime-gpu",
        "tensorrt": "onnxruntime-gpu",
        "openvino": "onnxruntime-openvino",
    }
)
"""Each brings the module ``onnxruntime``, so one of them takes the place of another."""

_INSTALL: Mapping[Name, str] = MappingProxyType(
    {
        "cpu": "pip install onnxruntime",
        "cuda": "pip install 'onnxruntime-gpu[cuda,cudnn]'",
        "tensorrt": "pip install 'onnxruntime-gpu[cuda,cudnn]' tensorrt",
        "openvino": "pip install onnxruntime-openvino",
    }
)
_NEEDS: Mapping[Name, str] = MappingProxyType(
    {
        "cpu": "a processor",
        "cuda": "an NVIDIA driver, CUDA and cuDNN",
        "tensorrt": "an NVIDIA driver, CUDA, cuDNN and TensorRT",
        "openvino": "Intel's driver of the device; model.device CPU needs none",
    }
)
_LIBRARIES: Mapping[str, str] = MappingProxyType(
    {
        PROVIDERS["cuda"]: "libonnxruntime_providers_cuda.so",
        PROVIDERS["tensorrt"]: "libonnxruntime_providers_tensorrt.so",
        PROVIDERS["openvino"]: "libonnxruntime_providers_openvino.so",
    }
)
_GPU_BATCH = 8


@dataclass(frozen=True, slots=True)
class Accelerator:
    """What a session runs on. ``providers``: ONNX Runtime's, each with its options; what one cannot do the next does.

    ``bound_to``: the kind and number of the device in whose memory inputs are kept; ``None``: they stay the host's.
    """

    name: Name
    providers: tuple[tuple[str, Mapping[str, str]], ...]
    bound_to: tuple[str, int] | None = None


CPU = Accelerator("cpu", ((PROVIDERS["cpu"], MappingProxyType({})),))


@dataclass(frozen=True, slots=True)
class Fallback:
    """The detector runs on ``used`` although ``asked`` was asked for, since ``cause``; ``action``: what helps."""

    asked: Asked
    used: Name
    cause: str
    action: str

    @property
    def sentence(self) -> str:
        """For a log or a person."""
        return f"detection runs on {self.used} instead of {self.asked}: {self.cause}; {self.action}"


class AcceleratorError(ModelError):
    """The model does not run on what was asked for; it may well run on the processor."""

    kind = "accelerator"


def to_try(asked: Asked, available: Collection[str]) -> tuple[Name, ...]:
    """The accelerators to try before the processor, in order. ``available``: what ONNX Runtime was built with.

    ``auto`` never means TensorRT, which takes minutes to compile a model.
    """
    if asked == "cpu":
        return ()
    if asked == "auto":
        usual: tuple[Name, ...] = ("cuda", "openvino")
        return tuple(name for name in usual if PROVIDERS[name] in available)
    return ("tensorrt", "cuda") if asked == "tensorrt" else (asked,)


def require(name: Name, available: Collection[str], subject: object) -> None:
    """Raises :class:`AcceleratorError` where this ONNX Runtime was built without it."""
    if PROVIDERS[name] not in available:
        has = ", ".join(sorted(each.removesuffix("ExecutionProvider") for each in available))
        raise AcceleratorError(subject, f"this ONNX Runtime has no provider for {name}, only {has}", install(name))


def install(name: Name) -> str:
    """What to do where the package is the wrong one."""
    return f"pip uninstall onnxruntime, then {_INSTALL[name]}; it needs {_NEEDS[name]}"


def remedy(name: Name) -> str:
    """What to do where the right package is there, and what it needs is not."""
    if name == "cpu":
        return "use another model"
    return f"it needs {_NEEDS[name]} ({_INSTALL[name]}); or set model.accelerator: cpu"


def usual_batch(name: Name) -> int:
    """How many pictures are worth one run where the settings do not say: a processor gains nothing by more than one."""
    return _GPU_BATCH if name in {"cuda", "tensorrt"} else 1


def accelerator(
    name: Name,
    device: int | str | None,
    *,
    cache: Path | None = None,
    free_inputs: Mapping[str, Sequence[int]] = MappingProxyType({}),
    batch: int = 1,
) -> Accelerator:
    """The providers of ``name`` with their options.

    ``cache``: a folder for what TensorRT and OpenVINO compile, which takes them minutes; ``None``: nothing is kept.
    ``free_inputs``: inputs whose batch axis is free, with their other axes: TensorRT compiles for 1 to ``batch``.
    """
    if name == "cpu":
        return CPU
    if name == "openvino":
        options = {"device_type": str(device or "GPU")}
        if cache is not None:
            options["cache_dir"] = str(cache / "openvino")
        return Accelerator(name, ((PROVIDERS[name], options), *CPU.providers))
    number = device if isinstance(device, int) else 0
    cuda = {
        "device_id": str(number),
        # The default tries every algorithm at each new batch size, some hundred ms each; frames would be late.
        "cudnn_conv_algo_search": "HEURISTIC",
        "arena_extend_strategy": "kSameAsRequested",  # doubling would take what other sessions need
    }
    providers = ((PROVIDERS["cuda"], cuda), *CPU.providers)
    if name == "tensorrt":
        tensorrt = _tensorrt(number, cache, free_inputs, batch)
        providers = ((PROVIDERS[name], tensorrt), *providers)
    return Accelerator(name, providers, ("cuda", number))


def _tensorrt(
    number: int, cache: Path | None, free_inputs: Mapping[str, Sequence[int]], batch: int
) -> Mapping[str, str]:
    options = {"device_id": str(number), "trt_fp16_enable": "True"}
    if cache is not None:
        folder = str(cache / "tensorrt")
        options |= {
            "trt_engine_cache_enable": "True",
            "trt_engine_cache_path": folder,
            "trt_timing_cache_enable": "True",
            "trt_timing_cache_path": folder,
        }

    # Without them an engine is compiled anew at each batch size that was not seen before.
    def shapes(count: int) -> str:
        return ",".join(f"{each}:{'x'.join(map(str, (count, *rest)))}" for each, rest in free_inputs.items())

    if free_inputs:
        options |= {
            "trt_profile_min_shapes": shapes(1),
            "trt_profile_opt_shapes": shapes(batch),
            "trt_profile_max_shapes": shapes(batch),
        }
    return options


def library_fault(provider: str, folder: Path) -> str | None:
    """Why the library of ``provider`` does not load, as the dynamic linker says it; ``None`` where it loads.

    ``folder``: ONNX Runtime's own libraries. ONNX Runtime writes the cause to standard error only. Native code is
    loaded: call it where that may end the process, or where ONNX Runtime has tried already.
    """
    library = _LIBRARIES.get(provider)
    if library is None or not (folder / library).exists():
        return None
    try:
        ctypes.CDLL(str(folder / library))
    except OSError as error:
        return str(error).replace(f"{folder}/", "")[:200]
    return None
