"""An ONNX Runtime session of one thread around a verified model.

One intra-op thread: on few cores N such sessions side by side beat one run with N threads (72–85/s against 34–64/s
on two cores), and none of them waits for another's threads. On a GPU the input is kept in its memory.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as ort_errors

from detect.accelerator import CPU, Accelerator, AcceleratorError, library_fault, remedy
from detect.binding import DeviceRun, run_sizes
from detect.fitting import resized
from models.errors import ModelFileError, NotADetectorError
from models.manifest import ModelInput
from models.spec import ModelSpec

_LOG_ERRORS_ONLY, _LOG_FATAL_ONLY = 3, 4
_CHANNELS = 3
PIXEL_TYPES: Mapping[str, type[np.floating[Any]]] = MappingProxyType(
    {"tensor(float)": np.float32, "tensor(float16)": np.float16}
)
RUN_ERRORS: tuple[type[Exception], ...] = (
    ort_errors.Fail,
    ort_errors.InvalidArgument,
    ort_errors.InvalidGraph,
    ort_errors.InvalidProtobuf,
    ort_errors.NoModel,
    ort_errors.NotImplemented,
    ort_errors.RuntimeException,
    ort_errors.EPFail,
    RuntimeError,
    ValueError,
)
"""What ONNX Runtime raises: its exceptions have no common base but ``Exception``."""


@dataclass(frozen=True, slots=True)
class Port:
    """An input or output as the file states it. Text or ``None`` in ``shape`` stands for a free axis."""

    name: str
    shape: tuple[int | str | None, ...]
    type: str


@dataclass(frozen=True, slots=True)
class Graph:
    """What a model file says of itself."""

    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    metadata: Mapping[str, str]

    @property
    def sizes_input(self) -> Port | None:
        """The DETR family's second input, ``(N, 2)`` int64: width and height that boxes are to be scaled to."""
        return next((port for port in self.inputs if port.type == "tensor(int64)" and len(port.shape) == 2), None)

    @property
    def picture_inputs(self) -> tuple[Port, ...]:
        """Every other input."""
        return tuple(port for port in self.inputs if port is not self.sizes_input)


def open_session(
    data: bytes, subject: object, *, accelerator: Accelerator = CPU, silent: bool = False
) -> tuple[ort.InferenceSession, Graph]:
    """A session of one thread on the processor, or on the accelerator and on nothing else.

    ``silent``: what goes wrong is only raised, and not told to standard error too: it was to be expected.

    Raises :class:`ModelFileError` naming ``subject`` where the bytes cannot be run, and
    :class:`detect.accelerator.AcceleratorError` where they cannot be run there.
    """
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = _LOG_FATAL_ONLY if silent else _LOG_ERRORS_ONLY
    try:
        # Without its own fallback, which is silent and also comes in the middle of the work, at a failed run.
        session = ort.InferenceSession(data, options, providers=_ort_providers(accelerator), enable_fallback=0)
    except RUN_ERRORS as error:
        if accelerator.name != "cpu":
            fault = f"{accelerator.name} cannot run it: {first_line(error)}"
            raise AcceleratorError(subject, fault, remedy(accelerator.name)) from None
        raise ModelFileError(
            subject, f"not an ONNX model that can be run: {first_line(error)}", "replace the file"
        ) from None
    _refuse_another_provider(session, accelerator, subject)
    graph = Graph(
        inputs=tuple(Port(node.name, tuple(node.shape), node.type) for node in session.get_inputs()),
        outputs=tuple(Port(node.name, tuple(node.shape), node.type) for node in session.get_outputs()),
        metadata=dict(session.get_modelmeta().custom_metadata_map),
    )
    return session, graph


def _ort_providers(accelerator: Accelerator) -> list[tuple[str, dict[str, str]]]:
    if accelerator.bound_to is not None:
        ort.preload_dlls()  # CUDA and cuDNN out of NVIDIA's packages for pip, where they are installed
    return [(name, dict(options)) for name, options in accelerator.providers]


def _refuse_another_provider(session: ort.InferenceSession, accelerator: Accelerator, subject: object) -> None:
    """ONNX Runtime leaves out a provider whose libraries do not load, and says so to standard error only."""
    wanted, has = accelerator.providers[0][0], session.get_providers()[0]
    if has != wanted:
        cause = library_fault(wanted, Path(ort.__file__).parent / "capi") or "the lines before this one say why"
        fault = f"{accelerator.name} was left out by ONNX Runtime, which would run on {has}: {cause}"
        raise AcceleratorError(subject, fault, remedy(accelerator.name))


class OnnxSession:
    """Runs pictures; not for use by two threads at once.

    :attr:`input` is the reused input, float32 ``(batch, 3, height, width)``: fill its first pictures, then call
    :meth:`run`. ``batch`` is what a model with a free batch axis is given room for; one with a fixed batch has its own.
    Raises :class:`ModelFileError` where the bytes are not the spec's or not ONNX, :class:`NotADetectorError` where the
    inputs are not the spec's, and :class:`detect.accelerator.AcceleratorError` where ``accelerator`` cannot run it.

    ``at``: another size of the input than the file's, to which it is rewritten. Then ``ValueError`` is raised too.
    """

    def __init__(
        self, spec: ModelSpec, *, accelerator: Accelerator = CPU, batch: int = 1, at: ModelInput | None = None
    ) -> None:
        data = _verified(spec)
        if at is not None:
            data, spec = resized(data, at), replace(spec, input=at)
        self._session, self.graph = open_session(data, spec.path, accelerator=accelerator, silent=at is not None)
        fault = _input_fault(self.graph, spec)
        if fault is not None:
            raise NotADetectorError(spec.id, fault, "correct the manifest's entry, or use another model")
        port = self.graph.picture_inputs[0]
        fixed = port.shape[0]
        self._fixed = isinstance(fixed, int)
        count = fixed if isinstance(fixed, int) else batch
        self.input = np.zeros((count, _CHANNELS, spec.input.height, spec.input.width), np.float32)
        # A half-precision model's input is converted in one pass into a second buffer.
        half = PIXEL_TYPES[port.type] is np.float16
        self._pixels: NDArray[Any] = np.zeros(self.input.shape, np.float16) if half else self.input
        self._feed: dict[str, NDArray[Any]] = {port.name: self._pixels}
        self._sizes = np.tile(np.array([spec.input.width, spec.input.height], np.int64), (count, 1))
        if self.graph.sizes_input is not None:
            self._feed[self.graph.sizes_input.name] = self._sizes
        self._on_device: DeviceRun | None = None
        if accelerator.bound_to is not None:
            sizes = (count,) if self._fixed else run_sizes(count)
            self._on_device = DeviceRun(self._session, self._feed, sizes, *accelerator.bound_to)

    @property
    def batch(self) -> int:
        """How many pictures one run takes at most."""
        return len(self.input)

    def run(self, pictures: int = 1) -> list[list[NDArray[Any]]]:
        """The model's outputs for each of the first ``pictures`` of :attr:`input`, each with a leading axis of 1.

        Half precision comes as float32. Raises ``ValueError`` where an output holds fewer pictures.
        """
        if self._pixels is not self.input:
            np.copyto(self._pixels[:pictures], self.input[:pictures], casting="same_kind")
        if self._on_device is not None:
            outputs = self._on_device(pictures)
        else:
            feed = self._feed
            if not self._fixed and pictures < self.batch:
                feed = {name: values[:pictures] for name, values in feed.items()}
            outputs = self._session.run(None, feed)
        if pictures > 1 and any(len(output) < pictures for output in outputs):
            raise ValueError(
                f"{pictures} pictures went in, and outputs of {[len(output) for output in outputs]} came out"
            )
        wide = [output.astype(np.float32) if output.dtype == np.float16 else output for output in outputs]
        return [[output[index : index + 1] for output in wide] for index in range(pictures)]


def free_inputs(spec: ModelSpec) -> dict[str, tuple[int, ...]]:
    """The inputs whose batch axis is free, each with its other axes as the spec has them; none where it is fixed.

    Raises :class:`ModelFileError`.
    """
    _, graph = open_session(_verified(spec), spec.path)
    if any(isinstance(port.shape[0], int) for port in graph.inputs if port.shape):
        return {}
    sizes = graph.sizes_input
    picture = (_CHANNELS, spec.input.height, spec.input.width)
    return {port.name: (2,) if port is sizes else picture for port in graph.inputs}


def _input_fault(graph: Graph, spec: ModelSpec) -> str | None:
    ports = graph.picture_inputs
    if [port.name for port in ports] != [spec.input.name]:
        return f"inputs {sorted(port.name for port in graph.inputs)}, want the one input {spec.input.name!r}"
    shape = ports[0].shape
    want = (_CHANNELS, spec.input.height, spec.input.width)
    fits = len(shape) == 4 and all(
        not isinstance(have, int) or have == size for have, size in zip(shape[1:], want, strict=True)
    )
    if ports[0].type not in PIXEL_TYPES or not fits:
        return f"input {ports[0].type} {list(shape)}, want float or float16 {['batch', *want]}"
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


def first_line(error: Exception) -> str:
    """What an error of ONNX Runtime says, at most 200 characters; its name where it says nothing."""
    return str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
