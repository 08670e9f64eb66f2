from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ingest.frame import Frame, Picture
from models.labels import LABELS
from models.manifest import Fit, ModelInput
from models.spec import ModelSpec
from tests.detect.stage_bench import DEADLINE_S, Bench


class _Proto:
    """As much of the ONNX protobuf (onnx.proto, IR version 8) as a model that answers constants needs."""

    TYPES: Mapping[str, int] = {"float32": 1, "int64": 7, "float16": 10}

    @staticmethod
    def field(number: int, value: int | bytes | str) -> bytes:
        if isinstance(value, int):
            return _Proto.varint(number << 3) + _Proto.varint(value)
        data = value.encode() if isinstance(value, str) else value
        return _Proto.varint(number << 3 | 2) + _Proto.varint(len(data)) + data

    @staticmethod
    def varint(value: int) -> bytes:
        out = b""
        while value > 0x7F:
            out, value = out + bytes([value & 0x7F | 0x80]), value >> 7
        return out + bytes([value])

    @staticmethod
    def value_info(name: str, kind: str, shape: Iterable[int | str]) -> bytes:
        f = _Proto.field
        dims = b"".join(f(1, f(1, size) if isinstance(size, int) else f(2, size)) for size in shape)
        return f(1, name) + f(2, f(1, f(1, _Proto.TYPES[kind]) + f(2, dims)))


def onnx_constants(
    outputs: Mapping[str, NDArray[Any]],
    *,
    input_shape: Sequence[int | str] = (1, 3, 64, 64),
    input_name: str = "images",
    input_type: str = "float32",
    metadata: Mapping[str, str] = MappingProxyType({}),
) -> bytes:
    """A model of one picture input that gives ``outputs`` whatever it sees."""
    f = _Proto.field
    graph = f(2, "constant") + f(11, _Proto.value_info(input_name, input_type, input_shape))
    for name, value in outputs.items():
        kind = str(value.dtype)
        tensor = b"".join(f(1, size) for size in value.shape)
        tensor += f(2, _Proto.TYPES[kind]) + f(8, f"{name}_answer") + f(9, value.tobytes())
        graph += f(1, f(1, f"{name}_answer") + f(2, name) + f(4, "Identity")) + f(5, tensor)
        graph += f(12, _Proto.value_info(name, kind, value.shape))
    words = b"".join(f(14, f(1, key) + f(2, value)) for key, value in metadata.items())
    return f(1, 8) + f(8, f(1, "") + f(2, 13)) + f(7, graph) + words


@pytest.fixture
def onnx_file(tmp_path: Path) -> Callable[..., Path]:
    """Writes a model of :func:`onnx_constants`, and gives its path."""

    def write(outputs: Mapping[str, NDArray[Any]], **more: Any) -> Path:
        path = tmp_path / "constant.onnx"
        path.write_bytes(onnx_constants(outputs, **more))
        return path

    return write


@pytest.fixture(scope="session")
def shared_folder() -> Path:
    folder = Path(__file__).resolve().parents[2].parent / "shared"
    if not (folder / "models" / "yolox_nano_416.onnx").is_file():
        pytest.skip("no ../shared/models beside the checkout")
    return folder


@pytest.fixture
def onnx_model(tmp_path: Path) -> Callable[..., ModelSpec]:
    """Writes a model that always answers ``output``, and gives its spec."""

    def write(output: NDArray[Any], *, head: str = "yolox", **more: Any) -> ModelSpec:
        data = onnx_constants({"output": output}, **more)
        path = tmp_path / "constant.onnx"
        path.write_bytes(data)
        return ModelSpec(
            id="constant",
            path=path,
            sha256=hashlib.sha256(data).hexdigest(),
            licence="Apache-2.0",
            input=ModelInput(name="images", width=64, height=64, colour="bgr", fit=Fit.TOP_LEFT),
            labels=LABELS["coco80"],
            head=head,
        )

    return write


@pytest.fixture
def yolox_output() -> NDArray[np.float32]:
    """For an input of 64 px: one person at 24 24 40 56 px with score 0.72, and otherwise nothing."""
    rows = np.zeros((1, 84, 85), np.float32)
    # Stride 8 has the first 64 rows of an 8 × 8 grid; point (4, 5) is row 44: centre 32 40, size 16 32.
    rows[0, 44, :5] = (0, 0, np.log(2), np.log(4), 0.9)
    rows[0, 44, 5] = 0.8
    return rows


@pytest.fixture
def make_frame() -> Callable[..., Frame]:
    def make(camera_id: str = "a", sequence: int = 0, *, picture: Picture, captured_at: float = 0.0) -> Frame:
        return Frame(camera_id, "sub", sequence, captured_at, captured_at, "arrival", picture)

    return make


@pytest.fixture
def bench(make_frame: Callable[..., Frame]) -> Iterator[Callable[[str], Bench]]:
    made: list[Bench] = []

    def make(cameras: str) -> Bench:
        made.append(Bench(cameras, make_frame))
        return made[-1]

    yield make
    for each in made:
        each.source.close()
        assert all(stage.stop(DEADLINE_S) for stage in each.stages)
