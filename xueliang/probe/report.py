"""What a probe found out about a camera, and how it is told to people and to programs."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from ingest.frame import StreamName
from ingest.state import Fault
from xueliang.probe.figures import Figures


@dataclass(frozen=True, slots=True)
class Picture:
    """``codec`` in FFmpeg's words (h264, hevc); ``None``: not told before a picture is decoded, and none was."""

    codec: str
    profile: str | None
    width: int | None
    height: int | None
    fps_declared: float | None
    b_frames: bool | None


@dataclass(frozen=True, slots=True)
class StreamReport:
    """One stream. ``fault`` is in the product's words; ``detail`` one sentence without URL or secret.

    ``opened_s`` and ``first_picture_s`` count from the beginning of the attempt. ``clock_ahead_s``: how far the
    camera's clock is ahead of this machine's, by RTCP; ``None``: none came. ``audio``: codecs, ``None``: not known.
    ``decoded`` and ``broken`` pictures: what came before the first key frame is neither.
    """

    stream: StreamName
    fault: Fault | None
    detail: str
    transport: str = "tcp"
    opened_s: float | None = None
    first_picture_s: float | None = None
    picture: Picture | None = None
    figures: Figures | None = None
    decoded: int = 0
    broken: int = 0
    clock_ahead_s: float | None = None
    audio: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What to correct on a camera or in the settings."""

    stream: StreamName
    text: str


@dataclass(frozen=True, slots=True)
class CameraReport:
    """A camera's streams, main first, and what to correct."""

    id: str
    streams: tuple[StreamReport, ...]
    suggestions: tuple[Suggestion, ...]

    @property
    def good(self) -> bool:
        """Whether no stream has a fault."""
        return all(stream.fault is None for stream in self.streams)


def as_data(report: CameraReport) -> dict[str, Any]:
    """Plain data for JSON; numbers rounded to what the measurement is worth."""
    plain = _rounded(asdict(report))
    return {"id": plain["id"], "good": report.good, "streams": plain["streams"], "suggestions": plain["suggestions"]}


def as_lines(report: CameraReport) -> list[str]:
    """Text for a terminal."""
    lines = []
    for stream in report.streams:
        fault = f"FAULT {stream.fault.value}: {stream.detail}" if stream.fault is not None else "good"
        told = "; ".join(part for part in (fault, *_parts(stream)) if part)
        lines.append(f"{report.id}  {stream.stream:<4}  {told}")
    by_text: dict[str, list[str]] = {}
    for each in report.suggestions:
        by_text.setdefault(each.text, []).append(each.stream)
    return lines + [f"  → {', '.join(streams)}: {text}" for text, streams in by_text.items()]


def _parts(stream: StreamReport) -> list[str]:
    parts = []
    if stream.picture is not None:
        picture = stream.picture
        named = " ".join(part for part in (picture.codec, picture.profile) if part)
        parts.append(named + (f" {picture.width}x{picture.height}" if picture.width is not None else ""))
    if stream.figures is not None and stream.figures.fps is not None:
        parts.append(_flow(stream.figures, stream.picture))
    if stream.picture is not None and stream.picture.b_frames is not None:
        parts.append("B-frames" if stream.picture.b_frames else "no B-frames")
    if stream.broken:
        parts.append(f"{stream.broken} of {stream.decoded + stream.broken} pictures broken")
    if stream.figures is not None:
        ahead = stream.clock_ahead_s
        parts.append("no RTCP clock" if ahead is None else f"clock {round(ahead, 2) + 0.0:+.2f} s")
    if stream.audio is not None:
        parts.append(f"audio {', '.join(stream.audio) or 'none'}")
    if stream.opened_s is not None:
        first = "no picture" if stream.first_picture_s is None else f"picture in {stream.first_picture_s:.2f} s"
        parts.append(f"{stream.transport}, open in {stream.opened_s:.2f} s, {first}")
    return parts


def _flow(figures: Figures, picture: Picture | None) -> str:
    declared = picture.fps_declared if picture is not None else None
    text = f"{figures.fps:.1f} fps" + (f" (declares {declared:g})" if declared is not None else "")
    if figures.bit_rate is not None:
        text += f", {figures.bit_rate / 1e6:.2f} Mbit/s"
    if figures.gop_s is not None:
        return f"{text}, GOP {figures.gop_s:.1f} s"
    if figures.gop_at_least_s is not None:
        return f"{text}, GOP over {figures.gop_at_least_s:.1f} s"
    return text


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 3)
    if isinstance(value, dict):
        return {key: _rounded(below) for key, below in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(below) for below in value]
    return value
