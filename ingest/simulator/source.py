"""Where a simulated camera's pictures come from: a clip, or a drawn scene. Both give a loop at a constant rate."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final, Protocol

import av
import cv2
import numpy as np
from av.video.reformatter import Interpolation

from ingest.simulator.scene.scene import Scene, SceneKind

VIDEO_SUFFIXES: Final = (".mp4", ".avi", ".mkv", ".mov")


class SourceError(Exception):
    """Pictures that cannot be had: from where, and why."""


class Source(Protocol):
    """A loop of pictures."""

    @property
    def title(self) -> str:
        """What an engineer calls it; holds no path."""

    def identity(self) -> str:
        """Changes whenever the pictures would. Raises :class:`SourceError`."""

    def pictures(self, fps: Fraction, width: int, height: int) -> Iterator[av.VideoFrame]:
        """One turn of the loop as yuv420p, fitted into ``width`` × ``height`` with its shape kept, never enlarged.

        Raises :class:`SourceError`.
        """


def fit(width: int, height: int, max_width: int, max_height: int) -> tuple[int, int]:
    """The largest even size of the same shape within the limits, not larger than the original."""
    scale = min(1.0, max_width / width, max_height / height)
    return max(2, round(width * scale / 2) * 2), max(2, round(height * scale / 2) * 2)


@dataclass(frozen=True, slots=True)
class SceneSource:
    """A drawn scene with ground truth; ``seconds`` of :class:`Scene` are one turn. ``empty``: nobody moves in it."""

    seed: int = 1
    kind: SceneKind = SceneKind.STREET
    night: bool = False
    width: int = 1280
    height: int = 720
    seconds: int = 20
    empty: bool = False

    @property
    def title(self) -> str:
        """Kind, time of day and seed."""
        return f"scene {self.kind} {'night' if self.night else 'day'} {self.seed}"

    def scene(self, fps: Fraction = Fraction(25)) -> Scene:
        """The scene itself, for its ground truth."""
        size = (self.width, self.height)
        return Scene(self.seed, self.kind, self.night, *size, fps=fps, seconds=self.seconds, empty=self.empty)

    def identity(self) -> str:
        """Every parameter, and the version of the drawing."""
        size = f"{self.width}x{self.height}"
        empty = ":empty" if self.empty else ""
        return f"scene:{Scene.VERSION}:{self.seed}:{self.kind}:{self.night}:{size}:{self.seconds}{empty}"

    def pictures(self, fps: Fraction, width: int, height: int) -> Iterator[av.VideoFrame]:
        """See :class:`Source`."""
        scene = self.scene(fps)
        target = fit(self.width, self.height, width, height)
        for index in range(scene.frame_count):
            bgr, _ = scene.frame(index)
            if target != (self.width, self.height):
                bgr = cv2.resize(bgr, target, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
            planes = cv2.cvtColor(bgr, cv2.COLOR_BGR2YUV_I420).astype(np.uint8, copy=False)
            yield av.VideoFrame.from_ndarray(planes, format="yuv420p")


@dataclass(frozen=True, slots=True)
class ClipSource:
    """A video file, resampled to a constant rate; at most ``max_seconds`` of it."""

    path: Path
    max_seconds: float = 30.0

    @property
    def title(self) -> str:
        """The file's name."""
        return f"clip {self.path.name}"

    def identity(self) -> str:
        """Path, size and time of change."""
        try:
            stat = self.path.stat()
        except OSError as error:
            raise SourceError(f"clip {self.path.name}: {error.strerror}") from error
        return f"clip:{self.path.resolve()}:{stat.st_size}:{stat.st_mtime_ns}:{self.max_seconds}"

    def pictures(self, fps: Fraction, width: int, height: int) -> Iterator[av.VideoFrame]:
        """See :class:`Source`. Each instant shows the newest picture at or before it."""
        try:
            with av.open(str(self.path)) as container:
                if not container.streams.video:
                    raise SourceError(f"clip {self.path.name}: has no video")
                stream = container.streams.video[0]
                stream.thread_type = "AUTO"
                target = fit(stream.codec_context.width, stream.codec_context.height, width, height)
                yield from self._resampled(container.decode(stream), fps, target)
        except (av.FFmpegError, OSError) as error:
            raise SourceError(f"clip {self.path.name}: not readable as video ({type(error).__name__})") from error

    def _resampled(
        self, decoded: Iterator[av.VideoFrame], fps: Fraction, target: tuple[int, int]
    ) -> Iterator[av.VideoFrame]:
        current: av.VideoFrame | None = None
        limit = Fraction(self.max_seconds).limit_denominator(1000)
        began, index = Fraction(0), 0
        for frame in decoded:
            if frame.pts is None or frame.time_base is None:
                continue
            at = frame.pts * frame.time_base
            if current is None:
                began = at
            else:
                # The picture before this one stands for every instant up to this one.
                while index / fps < min(at - began, limit):
                    yield current
                    index += 1
            if at - began >= limit:
                return
            current = frame.reformat(*target, format="yuv420p", interpolation=Interpolation.AREA)
        if current is None:
            raise SourceError(f"clip {self.path.name}: holds no picture")
        if index / fps < limit:
            yield current


def clips(folder: Path, max_seconds: float = 30.0) -> tuple[ClipSource, ...]:
    """The video files of a folder, by name. Raises :class:`SourceError` where there is none."""
    if not folder.is_dir():
        raise SourceError(f"{folder}: is not a folder")
    found = sorted(path for path in folder.iterdir() if path.suffix.lower() in VIDEO_SUFFIXES)
    if not found:
        raise SourceError(f"{folder}: holds no video file ({', '.join(VIDEO_SUFFIXES)})")
    return tuple(ClipSource(path, max_seconds) for path in found)


def scenes(count: int, first_seed: int = 1) -> tuple[SceneSource, ...]:
    """``count`` different scenes: the kinds in turn, every fourth by night."""
    kinds = tuple(SceneKind)
    return tuple(
        SceneSource(seed=first_seed + index, kind=kinds[index % len(kinds)], night=index % 4 == 3)
        for index in range(count)
    )
