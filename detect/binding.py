"""Runs a session with its inputs in the device's memory: I/O binding, onnxruntime.ai/docs/performance/tune-performance.

``InferenceSession.run`` allocates its input on the device and copies it there, at each run. Here that memory is
allocated once, and each run only copies into it. Outputs come to the host, where they are decoded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import onnxruntime as ort
from numpy.typing import NDArray


def run_sizes(batch: int) -> tuple[int, ...]:
    """1, 2, 4 … and ``batch``: the numbers of pictures that are run at once, each with memory of its own.

    Few of them, since libraries of GPUs choose their kernels anew for each; a run between two takes the larger.
    """
    return (*(1 << power for power in range(batch.bit_length()) if 1 << power < batch), batch)


@dataclass(frozen=True, slots=True)
class _Bound:
    binding: ort.IOBinding
    inputs: Mapping[str, ort.OrtValue]


class DeviceRun:
    """Runs the first pictures of ``feed``, arrays with a leading batch axis. For one thread at a time.

    ``sizes``, ascending: the numbers of pictures that may be run at once; the last is the arrays' own. ``device``: as
    ONNX Runtime names it, ``cuda`` or, with the same results, ``cpu``; ``number``: which one.
    """

    def __init__(
        self,
        session: ort.InferenceSession,
        feed: Mapping[str, NDArray[Any]],
        sizes: Sequence[int],
        device: str,
        number: int = 0,
    ) -> None:
        self._session = session
        self._feed = feed
        self._sizes = sizes
        self._device = device
        self._number = number
        self._bound = {size: self._bind(size) for size in sizes}

    def __call__(self, pictures: int) -> list[NDArray[Any]]:
        """The outputs, on the host, of ``pictures`` or a few more: the surplus ones are whatever lies in the feed."""
        size = next(size for size in self._sizes if size >= pictures)
        bound = self._bound[size]
        for name, value in bound.inputs.items():
            value.update_inplace(self._feed[name][:size])
        self._session.run_with_iobinding(bound.binding)
        outputs: list[NDArray[Any]] = bound.binding.copy_outputs_to_cpu()
        return outputs

    def _bind(self, size: int) -> _Bound:
        binding = self._session.io_binding()
        inputs = {}
        for name, values in self._feed.items():
            part = values[:size]
            inputs[name] = ort.OrtValue.ortvalue_from_shape_and_type(
                list(part.shape), part.dtype.type, self._device, self._number
            )
            inputs[name].update_inplace(part)
            binding.bind_ortvalue_input(name, inputs[name])
        for output in self._session.get_outputs():
            binding.bind_output(output.name, "cpu")
        return _Bound(binding, inputs)
