"""Opens decoders: on the machine's hardware where it is asked for and works, else on the processor, which is told.

A device is tried when the worker starts. Each stream is looked at again after its first picture: FFmpeg goes on in
software, in silence, where the device cannot do a stream's profile or size (``get_format`` in libavcodec/decode.c).
Pictures come back into the host's memory, since judges, snapshots and a detector on the processor want them there.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import av
import structlog
from av.codec.codec import Codec
from av.codec.context import ThreadType
from av.codec.hwaccel import HWAccel, hwdevices_available
from av.video.codeccontext import VideoCodecContext

from ingest.packet import ParameterSets

_log = structlog.get_logger(__name__)

Device = Literal["cuda", "qsv", "vaapi", "videotoolbox", "d3d11va"]
Asked = Literal["none", "auto", "cuda", "qsv", "vaapi", "videotoolbox", "d3d11va"]
_USUAL: tuple[Device, ...] = ("cuda", "qsv", "vaapi", "videotoolbox", "d3d11va")
_PROBED = "h264"
_OPTIONS: Mapping[str, dict[str, object]] = MappingProxyType(
    {"cuda": {"primary_ctx": "1"}}  # one CUDA context for all streams: each takes some hundred MB of the GPU's memory
)


@dataclass(frozen=True, slots=True)
class Hardware:
    """A decoder of ``codec``, by FFmpeg's ``name``, that runs on ``device``; its pictures have ``pix_fmt`` there."""

    name: str
    device: Device
    pix_fmt: str


@dataclass(frozen=True, slots=True)
class Opened:
    """A decoder; ``hardware``: what it should run on, ``None`` for the processor."""

    context: VideoCodecContext
    hardware: Hardware | None


def hardware_decoder(codec: str, device: Device) -> Hardware | None:
    """What this FFmpeg has for ``codec`` (``h264``, ``hevc``) on ``device``, whether the device is there or not."""
    for name in (codec, f"{codec}_{device}"):
        with suppress(ValueError):  # PyAV's UnknownCodecError
            for config in Codec(name, "r").hardware_configs:
                if config.is_supported and config.device_type.name == device and config.format is not None:
                    return Hardware(name, device, config.format.name)
    return None


def open_hardware(hardware: Hardware) -> VideoCodecContext:
    """Raises ``av.FFmpegError`` where the device cannot be opened."""
    options = dict(_OPTIONS.get(hardware.device, {}))
    accel = HWAccel(hardware.device, allow_software_fallback=True, options=options)
    context = av.CodecContext.create(hardware.name, "r", hwaccel=accel)
    assert isinstance(context, VideoCodecContext)  # the names are video codecs'
    return context


class Decoders:
    """Opens every decoder of a worker; for all its threads. ``device`` is what it decodes on, ``None``: the processor.

    ``available``: devices that FFmpeg was built for. :attr:`fallback` is one sentence for a person: why some or all
    of the streams are decoded on the processor although hardware was asked for.
    """

    def __init__(
        self,
        asked: Asked = "none",
        *,
        available: Callable[[], list[str]] = hwdevices_available,
        opener: Callable[[Hardware], VideoCodecContext] = open_hardware,
    ) -> None:
        self._opener = opener
        self._lock = threading.Lock()
        self._told: set[str] = set()
        self.device: Device | None = None
        self.fallback: str | None = None
        self.fallbacks = 0
        if asked == "none":
            return
        built = available()
        for device in _USUAL if asked == "auto" else (asked,):
            fault = self._fault(device, built)
            if fault is None:
                self.device = device
                _log.info("hardware_decoding", device=device)
                return
            if asked != "auto":
                self._tell(f"decoding runs on the processor instead of {device}: {fault}")
        if asked == "auto":
            _log.info("no_hardware_decoding", built_for=built)

    def open(self, parameters: ParameterSets, *, on_processor: bool = False) -> Opened:
        """A decoder for a stream of these parameters."""
        opened = None if on_processor else self._on_hardware(parameters.codec_name)
        if opened is None:
            opened = Opened(av.CodecContext.create(parameters.codec_name, "r"), None)
        context = opened.context
        context.extradata = parameters.annex_b()
        context.thread_count = 1
        context.thread_type = ThreadType.NONE
        context.options = {
            # A detector does not see the blocks that the loop filter would smooth; saves 17 to 30 % (measured).
            "skip_loop_filter": "all",
            # Without it broken slices are painted over in silence, and grey smears are analysed as pictures.
            "err_detect": "explode",
            "flags": "low_delay",
        }
        return opened

    def shown(self, camera_id: str, hardware: Hardware, context: VideoCodecContext) -> None:
        """A decoder on hardware has given its first picture: from where, its ``pix_fmt`` says."""
        if context.pix_fmt != hardware.pix_fmt:
            stream = f"{hardware.name} stream of {context.width} x {context.height}"
            self._tell(f"camera {camera_id} is decoded on the processor: {hardware.device} does not take its {stream}")

    def failed(self, camera_id: str, hardware: Hardware, error: av.FFmpegError) -> None:
        """A decoder on hardware has failed before its first picture."""
        cause = error.strerror or type(error).__name__
        what = f"its decoder on {hardware.device} failed ({cause})"
        self._tell(f"camera {camera_id} is decoded on the processor: {what}")

    def _fault(self, device: Device, built: list[str]) -> str | None:
        """Why ``device`` cannot be used."""
        if device not in built:
            return f"this build of PyAV has only {', '.join(built) or 'none'}"
        hardware = hardware_decoder(_PROBED, device)
        if hardware is None:
            return f"this build of PyAV has no decoder for {_PROBED} on it"
        try:
            self._opener(hardware)
        except av.FFmpegError as error:
            return f"no such device or driver ({error.strerror or type(error).__name__})"
        return None

    def _on_hardware(self, codec: str) -> Opened | None:
        if self.device is None:
            return None
        hardware = hardware_decoder(codec, self.device)
        if hardware is None:
            self._tell(f"{codec} is decoded on the processor: this build of PyAV cannot do it on {self.device}")
            return None
        try:
            return Opened(self._opener(hardware), hardware)
        except av.FFmpegError as error:
            # The device was there when the worker started: no memory or no session left.
            cause = error.strerror or type(error).__name__
            self._tell(f"some streams are decoded on the processor: {self.device} takes no more ({cause})")
            return None

    def _tell(self, sentence: str) -> None:
        with self._lock:
            self.fallbacks += 1
            self.fallback = sentence
            new = sentence not in self._told
            self._told.add(sentence)
        if new:
            _log.error("decoding_on_processor", cause=sentence)


ON_PROCESSOR = Decoders()
