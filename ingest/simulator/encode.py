"""Preparation: a source is encoded once into a cache folder; the next start reads what is there.

The cache holds ordinary MP4 files, so that any player shows what a camera will send. They are written beside their
place and moved there whole: a file that exists is complete.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from fractions import Fraction
from itertools import chain, islice
from pathlib import Path
from typing import Final

import av
import structlog
from av.video.frame import PictureType
from av.video.reformatter import Interpolation, VideoReformatter
from av.video.stream import VideoStream

from ingest.nal import CodecName
from ingest.simulator.material import Material, MaterialError, load_track
from ingest.simulator.source import Source, SourceError, fit

_FORMAT: Final = 1  # of the cached files; raise it when encoding changes

log = structlog.get_logger(__name__)


class PreparationCancelledError(Exception):
    """The simulator is stopping; what was half written is gone."""


@dataclass(frozen=True, slots=True)
class Profile:
    """How one stream is encoded: fitted into ``width`` × ``height``, constant rate, GOP of ``gop_s``, no B-frames."""

    width: int
    height: int
    fps: Fraction
    bit_rate: int
    gop_s: int = 2
    codec: CodecName = "h264"

    @property
    def gop(self) -> int:
        """Frames."""
        return int(self.fps * self.gop_s)


@dataclass(frozen=True, slots=True)
class Profiles:
    """Main and sub stream. Main's rate is a whole multiple of sub's, so that both turn together.

    The loop's first ``settle_gops`` GOPs are encoded once more before it and thrown away: the rate control has then
    settled when the loop begins, and its seam looks like any other key frame to who measures sizes.
    """

    main: Profile = Profile(1920, 1080, Fraction(25), 2_000_000)
    sub: Profile = Profile(640, 360, Fraction(25, 2), 400_000)
    settle_gops: int = 0

    def __post_init__(self) -> None:
        if (self.main.fps / self.sub.fps).denominator != 1:
            raise ValueError(f"main's {self.main.fps} frames a second are no multiple of sub's {self.sub.fps}")

    @property
    def stride(self) -> int:
        """Main frames for each sub frame."""
        return int(self.main.fps / self.sub.fps)


def cache_key(source: Source, profiles: Profiles) -> str:
    """Names what is encoded and how: 24 hex digits of a SHA-256. Raises :class:`SourceError`."""
    recipe = {"format": _FORMAT, "source": source.identity(), "profiles": asdict(profiles)}
    return hashlib.sha256(json.dumps(recipe, sort_keys=True, default=str).encode()).hexdigest()[:24]


def cached_files(source: Source, profiles: Profiles, cache_dir: Path) -> tuple[Path, Path]:
    """Where main and sub stream lie once they are encoded. Raises :class:`SourceError`."""
    stem = cache_key(source, profiles)
    return cache_dir / f"{stem}.main.mp4", cache_dir / f"{stem}.sub.mp4"


def prepare(
    source: Source, profiles: Profiles, cache_dir: Path, cancelled: Callable[[], bool] = lambda: False
) -> Material:
    """The source's material, from the cache or encoded now. May take seconds and runs in any thread.

    Raises :class:`SourceError`, :class:`PreparationCancelledError`, or ``OSError`` for a folder not writable.
    """
    cache_dir.mkdir(parents=True, exist_ok=True)
    main, sub = cached_files(source, profiles, cache_dir)
    if main.exists() and sub.exists():
        try:
            return Material(load_track(main), load_track(sub))
        except MaterialError as error:
            log.warning("simulator.cache_unreadable", source=source.title, reason=str(error), action="encoded again")
    encode(source, profiles, main, sub, cancelled)
    return Material(load_track(main), load_track(sub))


def encode(source: Source, profiles: Profiles, main: Path, sub: Path, cancelled: Callable[[], bool]) -> None:
    """Encode one turn of the source into two MP4 files at once, decoding or drawing each picture once."""
    with ExitStack() as stack:
        encoders: tuple[_Encoder, _Encoder] | None = None
        pending: list[av.VideoFrame] = []
        asked = (profiles.main.fps, profiles.main.width, profiles.main.height)
        settling = islice(source.pictures(*asked), profiles.settle_gops * profiles.main.gop)
        for picture in chain(settling, source.pictures(*asked)):
            if cancelled():
                raise PreparationCancelledError(source.title)
            if encoders is None:
                encoders = (
                    stack.enter_context(_encoder(main, profiles.main, picture, profiles.settle_gops)),
                    stack.enter_context(_encoder(sub, profiles.sub, picture, profiles.settle_gops)),
                )
            pending.append(picture)
            if len(pending) == profiles.stride:  # whole steps of sub only, so that both loops last equally long
                for one in pending:
                    encoders[0].add(one)
                encoders[1].add(pending[0])
                pending.clear()
        if encoders is None or not encoders[0].frames:
            raise SourceError(f"{source.title}: shorter than {profiles.stride} frames")


class _Encoder:
    def __init__(self, stream: VideoStream, mux: Callable[[list[av.Packet[VideoStream]]], None], settling: int) -> None:
        self._stream = stream
        self._mux = mux
        self._settling = settling  # frames that are encoded for the rate control's sake alone
        self._scaler = VideoReformatter()
        self.frames = 0

    def add(self, picture: av.VideoFrame) -> None:
        width, height = self._stream.width, self._stream.height
        if (picture.width, picture.height) != (width, height):
            picture = self._scaler.reformat(picture, width, height, "yuv420p", interpolation=Interpolation.AREA)
        picture.pts = self.frames
        picture.time_base = 1 / Fraction(self._stream.codec_context.framerate)
        picture.pict_type = PictureType.NONE  # a decoded picture remembers its type; x264 would obey it
        self.frames += 1
        self._keep(self._stream.encode(picture))

    def flush(self) -> None:
        self._keep(self._stream.encode(None))

    def _keep(self, packets: list[av.Packet[VideoStream]]) -> None:
        kept = []
        for packet in packets:
            if packet.pts is not None and packet.pts >= self._settling:
                packet.pts = packet.dts = packet.pts - self._settling  # no B-frames: one order
                kept.append(packet)
        self._mux(kept)


@contextmanager
def _encoder(path: Path, profile: Profile, like: av.VideoFrame, settle_gops: int) -> Iterator[_Encoder]:
    """Writes ``path`` atomically; nothing is left of it when the block raises."""
    part = path.with_name(f"{path.name}.{os.getpid()}-{threading.get_ident()}.part")
    options = {
        "preset": "superfast",
        "profile": "main",
        "g": str(profile.gop),
        "keyint_min": str(profile.gop),
        "sc_threshold": "0",
        "bf": "0",
        "maxrate": str(profile.bit_rate),
        "bufsize": str(profile.bit_rate),
        "threads": "1",
        "aud": "0",
    }
    if profile.codec == "hevc":
        rate = profile.bit_rate // 1000
        options = {
            "preset": "ultrafast",
            "x265-params": "log-level=error:pools=none:frame-threads=1:bframes=0:scenecut=0:open-gop=0:"
            f"keyint={profile.gop}:min-keyint={profile.gop}:vbv-maxrate={rate}:vbv-bufsize={rate}",
        }
    try:
        with av.open(str(part), "w", format="mp4") as container:
            stream = container.add_stream(
                "libx264" if profile.codec == "h264" else "libx265", rate=profile.fps, options=options
            )
            stream.width, stream.height = fit(like.width, like.height, profile.width, profile.height)
            stream.pix_fmt = "yuv420p"
            stream.bit_rate = profile.bit_rate
            encoder = _Encoder(stream, container.mux, settle_gops * profile.gop)
            yield encoder
            encoder.flush()
        part.replace(path)
    finally:
        with suppress(FileNotFoundError):
            part.unlink()
