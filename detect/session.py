"""An ONNX Runtime session of one thread around a verified model.

One intra-op thread: on few cores N such sessions side by side beat one run with N threads (72–85/s against 34–64/s
on two cores), and none of them waits for another's threads.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from models.errors import ModelFileError, NotADetectorError
from models.spec import ModelSpec

_LOG_ERRORS_ONLY = 3
_CHANNELS = 3


class OnnxSession:
    """Runs one picture at a time; not for use by two threads at once.

    :attr:`input` is the reused input, float32 ``(1, 3, height, width)``: fill it, then call :meth:`run`.
    Raises :class:`ModelFileError` where the bytes are not the spec's or not ONNX, and :class:`NotADetectorError`
    where the input is not the spec's.
    """

    def __init__(self, spec: ModelSpec, *, providers: Sequence[str] = ("CPUExecutionProvider",)) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
        options.log_severity_level = _LOG_ERRORS_ONLY
        try:
            self._session = ort.InferenceSession(_verified(spec), options, providers=list(providers))
        except _load_errors() as error:
            raise ModelFileError(
                spec.path, f"not an ONNX model that can be run: {_first_line(error)}", "replace the file"
            ) from None
        self.input = np.zeros((1, _CHANNELS, spec.input.height, spec.input.width), np.float32)
        fault = self._input_fault(spec)
        if fault is not None:
            raise NotADetectorError(spec.id, fault, "correct the manifest's entry, or use another model")
        self._feed = {spec.input.name: self.input}

    @property
    def output_shapes(self) -> list[list[int | str | None]]:
        """As the file states them."""
        return [list(output.shape) for output in self._session.get_outputs()]

    def run(self) -> list[NDArray[np.float32]]:
        """The model's outputs for what :attr:`input` holds now."""
        outputs: list[NDArray[np.float32]] = self._session.run(None, self._feed)
        return outputs

    def _input_fault(self, spec: ModelSpec) -> str | None:
        inputs = {node.name: node for node in self._session.get_inputs()}
        node = inputs.get(spec.input.name)
        if node is None or len(inputs) != 1:
            return f"inputs {sorted(inputs)}, want the one input {spec.input.name!r}"
        fits = len(node.shape) == len(self.input.shape) and all(
            not isinstance(have, int) or have == want for have, want in zip(node.shape, self.input.shape, strict=True)
        )
        if node.type != "tensor(float)" or not fits:
            return f"input {node.type} {node.shape}, want tensor(float) {list(self.input.shape)}"
        return None


def _verified(spec: ModelSpec) -> bytes:
    """The bytes that are loaded are the bytes that were hashed: the file may have changed since it was found."""
    try:
        data = Path(spec.path).read_bytes()
    except OSError as error:
        raise ModelFileError(spec.path, f"cannot be read: {error.strerror}", "restore the file") from None
    sha256 = hashlib.sha256(data).hexdigest()
    if sha256 != spec.sha256:
        raise ModelFileError(
            spec.path,
            f"not {spec.id}: sha256 {sha256}, want {spec.sha256}",
            f"delete it, or run `xueliang models pull {spec.id}`",
        )
    return data


def _load_errors() -> tuple[type[Exception], ...]:
    """ONNX Runtime's exceptions have no common base but ``Exception``."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    return (
        state.Fail,
        state.InvalidArgument,
        state.InvalidGraph,
        state.InvalidProtobuf,
        state.NoModel,
        state.NotImplemented,
        state.RuntimeException,
        state.EPFail,
        ValueError,
    )


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
