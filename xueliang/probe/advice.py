"""What to correct on a camera, by what its streams are. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from ingest.frame import StreamName
from ingest.state import Fault
from ingest.stream_choice import LEAST_PX, PixelNeed, Size
from xueliang.probe.report import StreamReport, Suggestion

LONGEST_GOP_S = 4.0
CLOCK_OFF_S = 2.0
SUB_WIDTH, SUB_HEIGHT = 960, 540
"""Sixteen tiles of 1280x720 sink a small wall computer; sixteen of this do not (measured)."""

RATE_OFF = 0.2
"""Share by which the measured rate may differ from the declared one."""

REMEDIES: Final = {
    Fault.REFUSED: (
        "correct the user (credentials.username, --username) and where the password comes from (password_env, "
        "password_file, --password-env); do not try often: many cameras lock out who fails"
    ),
    Fault.UNREACHABLE: "check the address, its port and path in the camera's manual, its power and the network",
    Fault.FROZEN: "restart the camera; see that the stream is enabled on it, and that few others watch it",
    Fault.GARBLED: "check the cable and the network for loss; lower the bit rate; restart the camera",
}


@dataclass(frozen=True, slots=True)
class Analysed:
    """The stream that the detector takes, and how many pictures a second at most.

    ``need``: by which it is chosen where the sizes of both are known; ``None``: the settings name it.
    """

    stream: StreamName
    fps: float
    need: PixelNeed | None = None


def suggestions(
    streams: tuple[StreamReport, ...], *, sub_expected: bool = False, analysed: Analysed | None = None
) -> tuple[Suggestion, ...]:
    """In the order of the streams. ``sub_expected``: the camera has been given no sub stream and should have one."""
    found = []
    if analysed is not None and (need := analysed.need) is not None:
        sizes = {stream.stream: size for stream in streams if (size := _size(stream)) is not None}
        if len(sizes) == 2 and need.choose(sizes["sub"], sizes["main"]) == "main":
            analysed = replace(analysed, stream="main")
            found.append(Suggestion("sub", _too_small(sizes["sub"], sizes["main"], need)))
    for stream in streams:
        texts = [*_of_fault(stream), *_of_picture(stream), *_of_flow(stream, analysed), *_of_clock(stream)]
        found += [Suggestion(stream.stream, text) for text in texts]
    if sub_expected and all(stream.fault is None for stream in streams):
        text = "no sub stream in the settings: the wall and the detector take main, at its cost; give the camera's sub"
        found.append(Suggestion("sub", text))
    return tuple(found)


def _size(stream: StreamReport) -> Size | None:
    picture = stream.picture
    return Size(picture.width, picture.height) if picture and picture.width and picture.height else None


def _too_small(sub: Size, main: Size, need: PixelNeed) -> str:
    return (
        f"{sub} shows the rules' smallest object {need.height_px(sub):.0f} px high, and the detector wants "
        f"{LEAST_PX:.0f}: it takes main, at its cost; set the sub stream to {need.filling(main)} or more"
    )


def _of_fault(stream: StreamReport) -> Iterator[str]:
    if stream.fault is Fault.UNREACHABLE and stream.figures is not None:
        yield "the camera ends sessions that it granted: fewer viewers at once? its power, its network, its log?"
    elif stream.fault is not None and (remedy := REMEDIES.get(stream.fault)):
        yield remedy
    elif stream.broken:
        all_pictures = stream.decoded + stream.broken
        yield f"{stream.broken} of {all_pictures} pictures cannot be decoded: check the network for loss"


def _of_flow(stream: StreamReport, analysed: Analysed | None) -> Iterator[str]:
    figures = stream.figures
    if figures is None:
        return
    gop = figures.gop_s if figures.gop_s is not None else figures.gop_at_least_s
    if gop is not None and gop > LONGEST_GOP_S:
        yield (
            f"a key frame only every {gop:.0f} s{'' if figures.gop_s is not None else ' or more'}: who begins "
            "to watch waits that long; set the key frame (I-frame) interval to 2 s"
        )
    fps, declared = figures.fps, stream.picture.fps_declared if stream.picture is not None else None
    if fps is not None and declared and abs(fps - declared) > RATE_OFF * declared:
        yield f"{declared:g} pictures a second are declared, {fps:.1f} come: is the camera or the network overloaded?"
    if fps is not None and analysed is not None and analysed.stream == stream.stream and fps < 0.9 * analysed.fps:
        yield f"detection.fps is {analysed.fps:g}, and only {fps:.1f} pictures a second come: raise the camera's rate"


def _of_clock(stream: StreamReport) -> Iterator[str]:
    ahead = stream.clock_ahead_s
    if ahead is None and stream.fault is None:
        yield "no RTCP clock: the time of arrival is taken for the time of capture; a firmware update may bring it"
    if ahead is not None and abs(ahead) > CLOCK_OFF_S:
        yield f"the camera's clock is {abs(ahead):.0f} s {'ahead' if ahead > 0 else 'behind'}: give it an NTP server"


def _of_picture(stream: StreamReport) -> Iterator[str]:
    picture = stream.picture
    if picture is None:
        return
    if picture.codec == "hevc" and stream.stream == "sub":
        yield "H.265 does not play in every browser: set the sub stream to H.264"
    width, height = picture.width or 0, picture.height or 0
    if stream.stream == "sub" and (width > SUB_WIDTH or height > SUB_HEIGHT):
        yield (
            f"{width}x{height} is large for a sub stream: set at most {SUB_WIDTH}x{SUB_HEIGHT}, "
            "or sixteen tiles overload the wall's computer"
        )
    if picture.b_frames:
        yield "B-frames delay every picture: switch them off (often: profile Baseline, or smooth streaming off)"
