"""Footage that the packet gate was not made on: other places, walkers, weather and encoders than ``material``'s stages.

A piece is two minutes of a static camera in which something happens for a tenth of the time, at known instants: people
and vehicles cut out of one clip, put into another place. Pieces that are ``held`` out are for judging alone; nothing of
the gate may be chosen by what they show.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import islice
from pathlib import Path

import av
import cv2
import numpy as np

from benchmarks.weather import Conditions, Plane, Weather
from ingest.nal import CodecName
from ingest.simulator.scene.scene import SceneKind
from ingest.simulator.source import ClipSource, SceneSource

LEAD_S = 12
"""Seconds before the footage begins, encoded and thrown away: a camera's rate control has long settled."""

VERSION = 1
"""Of the drawing; raise it when pictures change."""

_FADE_S = 0.4
_APART = 18  # steps of luma or chroma that tell a walker from the place
_CALM_FPS = 4


@dataclass(frozen=True, slots=True)
class Place:
    """A picture in which nobody is: the median of a clip over ``calm``, from and to, seconds; or a drawn scene."""

    clip: str = ""
    calm: tuple[float, float] = (0.0, 30.0)
    scene: tuple[int, SceneKind] | None = None

    def picture(self, video: Path, width: int, height: int) -> Plane:
        """I420 planes ``(height * 3 / 2, width)``, filled whole."""
        if self.scene is not None:
            source = SceneSource(seed=self.scene[0], kind=self.scene[1], empty=True, seconds=2)
            frames = islice(source.pictures(Fraction(_CALM_FPS), width, height), 7)
        else:
            begin, end = (round(at * _CALM_FPS) for at in self.calm)
            clip = ClipSource(video / self.clip, self.calm[1])
            frames = islice(clip.pictures(Fraction(_CALM_FPS), width, height), begin, end)
        stack = np.stack([_filled(frame, width, height) for frame in frames])
        middle: Plane = np.median(stack[:40], axis=0).astype(np.uint8)
        return middle


@dataclass(frozen=True, slots=True)
class Walkers:
    """Who moves in the clip of ``place`` from ``from_s`` on, cut out of it; ``mirrored``; at ``scale`` of the picture's
    size in the lower corner where they came in.
    """

    place: Place
    from_s: float
    mirrored: bool = False
    scale: float = 1.0


@dataclass(frozen=True, slots=True)
class Encoding:
    """How a camera encodes: at constant ``bit_rate``, or at constant quality ``crf`` where that is ``None``."""

    width: int = 1280
    height: int = 720
    fps: int = 15
    gop_s: int = 2
    bit_rate: int | None = 1_000_000
    crf: int = 27
    b_frames: int = 0
    codec: CodecName = "h264"

    @property
    def analysed_every(self) -> int:
        """Pictures from one that is analysed to the next: about five a second, key frames among them."""
        return max(1, round(self.fps / 5))

    def __str__(self) -> str:
        rate = f"crf {self.crf}" if self.bit_rate is None else f"{self.bit_rate / 1e6:g} Mb/s"
        order = f", {self.b_frames} B" if self.b_frames else ""
        return f"{self.codec} {self.height}p{self.fps} {rate}, GOP {self.gop_s} s{order}"


@dataclass(frozen=True, slots=True)
class Piece:
    """``starts``: seconds at which the walkers appear, each time for ``active_s``."""

    name: str
    place: Place
    walkers: Walkers
    encoding: Encoding
    weather: Weather = field(default=Weather())
    held: bool = False
    starts: tuple[float, ...] = (38.3, 69.9, 102.6)
    active_s: float = 4.0
    seconds: int = 120
    seed: int = 1

    def pictures(self, video: Path) -> Iterator[av.VideoFrame]:
        """``LEAD_S`` before the beginning and then all of it, as yuv420p."""
        width, height, fps = self.encoding.width, self.encoding.height, self.encoding.fps
        conditions = Conditions(self.weather, width, height, self.seed)
        calm = self.place.picture(video, width, height)
        walkers = _cut_out(self.walkers, video, self.encoding, self.active_s)
        for index in range(-LEAD_S * fps, self.seconds * fps):
            at = index / fps
            planes = calm
            if self.weather.sway:
                planes = np.concatenate([conditions.bend(calm[:height], at + LEAD_S), calm[height:]])
            begun = next((start for start in self.starts if start <= at < start + self.active_s), None)
            if begun is not None:
                rim = min(at - begun, begun + self.active_s - at) + 1 / fps
                shown = walkers[int((at - begun) * fps)]
                planes = shown.onto(planes, min(1.0, rim / _FADE_S), mirrored=self.walkers.mirrored)
            yield av.VideoFrame.from_ndarray(conditions.see(planes, at + LEAD_S), format="yuv420p")

    def active_at(self, at: float, before: float = 0.0, after: float = 0.0) -> bool:
        """Whether somebody walks ``at`` seconds, or did or will within these margins."""
        return any(start - before <= at < start + self.active_s + after for start in self.starts)


@dataclass(frozen=True, slots=True)
class _CutOut:
    """One picture of the walkers: I420 planes at their own size, and how much of a pixel they cover, 0 to 255."""

    planes: Plane
    cover: Plane

    def onto(self, planes: Plane, share: float, *, mirrored: bool) -> Plane:
        """A copy of ``planes`` with the walkers in its lower corner, right or left; ``share``: how far faded in."""
        result = planes.copy()
        for target, part in zip(_split(result), _split(self.planes), strict=True):
            shape = part.shape[1], part.shape[0]
            cover = cv2.resize(self.cover, shape, interpolation=cv2.INTER_AREA).astype(np.float32) * (share / 255)
            turned, cover = (part[:, ::-1], cover[:, ::-1]) if mirrored else (part, cover)
            left = 0 if mirrored else target.shape[1] - part.shape[1]
            place = target[target.shape[0] - part.shape[0] :, left : left + part.shape[1]]
            place[:] = np.round(place + cover * (turned.astype(np.float32) - place))
        return result


def _cut_out(walkers: Walkers, video: Path, encoding: Encoding, seconds: float) -> list[_CutOut]:
    """Who moves in the clip, without the place they moved in."""
    width, height = (round(side * walkers.scale / 4) * 4 for side in (encoding.width, encoding.height))
    empty = walkers.place.picture(video, width, height).astype(np.int16)
    clip = ClipSource(video / walkers.place.clip, walkers.from_s + seconds + 1)
    frames = clip.pictures(Fraction(encoding.fps), encoding.width, encoding.height)
    begin = round(walkers.from_s * encoding.fps)
    wide = max(5, height // 60) | 1
    cut = []
    for frame in islice(frames, begin, begin + round(seconds * encoding.fps) + 1):
        planes = _filled(frame, width, height)
        luma, *chroma = _split(np.abs(planes.astype(np.int16) - empty).astype(np.uint8))
        colour = cv2.resize(np.maximum(*chroma), (width, height), interpolation=cv2.INTER_LINEAR)
        found = (np.maximum(luma, cv2.add(colour, colour)) > _APART).astype(np.uint8)
        found = cv2.morphologyEx(found, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)).astype(np.uint8, copy=False)
        whole = 255 * cv2.dilate(found, np.ones((wide, wide), np.uint8))
        cut.append(_CutOut(planes, cv2.GaussianBlur(whole, (wide, wide), 0).astype(np.uint8, copy=False)))
    return cut


def _split(planes: Plane) -> tuple[Plane, Plane, Plane]:
    """Luma and both chroma planes of I420, as views."""
    height, width = planes.shape[0] * 2 // 3, planes.shape[1]
    first, second = planes[height:].reshape(2, height // 2, width // 2)
    return planes[:height], first, second


def _filled(frame: av.VideoFrame, width: int, height: int) -> Plane:
    """I420 planes of the whole picture at another size; its shape is not kept."""
    return frame.reformat(width, height, format="yuv420p").to_ndarray().astype(np.uint8, copy=False)


_INTEL = "intel_one-by-one-person-detection.mp4"
_HALL = Place(_INTEL, (46.5, 49.5))
_OZLU = Place("ozlu_pedestrian_survaillance.mp4", (0.0, 23.0))
_KEN = Place("ken_pedestrian.mp4", (0.0, 30.0))
_NIGHT = Place("ken_night.mp4", (2.5, 4.5))
_CARS = Place("intel_car-detection.mp4", (1.0, 4.0))
_ROAD = Place("bgs_video02.avi", (0.0, 29.0))
_CROWD = Place("crowd_walking_supervision.mp4", (0.0, 13.0))
_CAMPUS = Place("gt/TUD-Campus/TUD-Campus.mp4", (0.0, 2.8))
_SHOPS = Place("gt/TUD-Stadtmitte/TUD-Stadtmitte.mp4", (0.0, 7.0))
_DOOR = Place("frigate_test_motion_video-2.mp4", (10.0, 28.0))


def _drawn(seed: int, kind: SceneKind) -> Place:
    return Place(scene=(seed, kind))


PIECES = (
    # To tune by.
    Piece(
        "hall walker on the campus road, day",
        _KEN,
        Walkers(_HALL, 50.2, scale=0.5),
        Encoding(gop_s=1),
    ),
    Piece(
        "drawn street, clouds",
        _drawn(41, SceneKind.STREET),
        Walkers(_OZLU, 10.0),
        Encoding(gop_s=4, bit_rate=4_000_000),
        Weather(clouds=0.3),
    ),
    Piece(
        "drawn yard at night",
        _drawn(42, SceneKind.YARD),
        Walkers(_HALL, 74.0, mirrored=True, scale=0.75),
        Encoding(fps=12, bit_rate=None),
        Weather(noise=5.0, light=0.35),
    ),
    Piece(
        "hall, lamps flicker, sub stream",
        _HALL,
        Walkers(_KEN, 14.0),
        Encoding(640, 360, 12, 4, 256_000),
        Weather(flicker=0.03),
    ),
    Piece(
        "campus, trees sway, B-frames",
        _CAMPUS,
        Walkers(_OZLU, 2.0, scale=0.75),
        Encoding(bit_rate=2_000_000, b_frames=2),
        Weather(sway=3.0),
    ),
    Piece(
        "car park, rain",
        _CARS,
        Walkers(_HALL, 92.0, mirrored=True, scale=0.75),
        Encoding(gop_s=4),
        Weather(noise=2.5, rain=260),
    ),
    Piece(
        "paved yard, H.265",
        _OZLU,
        Walkers(_HALL, 92.0, scale=0.5),
        Encoding(bit_rate=None, codec="hevc"),
    ),
    Piece(
        "road at night, H.265 at constant rate",
        _ROAD,
        Walkers(_HALL, 123.5, mirrored=True, scale=0.5),
        Encoding(codec="hevc", gop_s=4),
        Weather(noise=5.0, light=0.4),
    ),
    Piece(
        "drawn street, one walker, much rate",
        _drawn(43, SceneKind.STREET),
        Walkers(_HALL, 50.2, scale=0.5),
        Encoding(bit_rate=4_000_000),
    ),
    Piece(
        "drawn yard at night at constant rate",
        _drawn(42, SceneKind.YARD),
        Walkers(_HALL, 92.0, mirrored=True, scale=0.5),
        Encoding(fps=12, bit_rate=2_000_000),
        Weather(noise=5.0, light=0.35),
    ),
    # To judge by.
    Piece(
        "shops, day, B-frames at constant quality",
        _SHOPS,
        Walkers(_HALL, 74.0, scale=0.5),
        Encoding(bit_rate=None, b_frames=2, gop_s=4),
        held=True,
        starts=(36.4, 67.2, 104.1),
        seed=2,
    ),
    Piece(
        "drawn square, rain, H.265",
        _drawn(51, SceneKind.SQUARE),
        Walkers(_KEN, 21.0),
        Encoding(codec="hevc"),
        Weather(noise=2.5, rain=320),
        held=True,
        starts=(41.7, 72.5, 99.9),
        seed=3,
    ),
    Piece(
        "house at night, noise",
        _NIGHT,
        Walkers(_NIGHT, 12.2),
        Encoding(gop_s=4),
        Weather(noise=4.0),
        held=True,
        starts=(34.9, 76.1, 108.3),
        active_s=3.6,
        seed=4,
    ),
    Piece(
        "road, clouds, sub stream",
        _ROAD,
        Walkers(_ROAD, 6.0),
        Encoding(640, 360, 12, 2, 400_000),
        Weather(clouds=0.35),
        held=True,
        starts=(39.5, 70.3, 101.9),
        seed=5,
    ),
    Piece(
        "door at night",
        _DOOR,
        Walkers(_DOOR, 32.4),
        Encoding(640, 360, 15, 4, None),
        Weather(noise=5.0),
        held=True,
        starts=(37.1, 66.6, 98.8),
        seed=6,
    ),
    Piece(
        "white square, lamps flicker",
        _CROWD,
        Walkers(_HALL, 123.5, scale=0.5),
        Encoding(bit_rate=4_000_000, gop_s=1),
        Weather(flicker=0.02),
        held=True,
        starts=(43.4, 71.3, 105.2),
        seed=7,
    ),
    Piece(
        "drawn bridge, trees sway",
        _drawn(52, SceneKind.BRIDGE),
        Walkers(_OZLU, 15.0, mirrored=True, scale=0.75),
        Encoding(fps=12, gop_s=4),
        Weather(sway=2.5, trees=(0.5, 0.0, 1.0, 0.6)),
        held=True,
        starts=(40.2, 73.7, 103.0),
        seed=8,
    ),
    Piece(
        "drawn market at dusk, H.265 at constant quality",
        _drawn(53, SceneKind.MARKET),
        Walkers(_HALL, 50.2, mirrored=True, scale=0.75),
        Encoding(bit_rate=None, codec="hevc", gop_s=4, fps=12),
        Weather(noise=3.5, light=0.6),
        held=True,
        starts=(35.8, 69.1, 100.7),
        seed=9,
    ),
)
