"""What light, weather and a sensor do to a static camera's picture while nothing happens in it. Deterministic."""

from __future__ import annotations

from dataclasses import dataclass
from math import pi, sin

import cv2
import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.uint8]

_FIELDS = 16
_MARGIN = 64
_COARSE = 16  # clouds are soft: their shadows are drawn at a sixteenth of the size
_CLOUD_S = 12.0  # a shadow passes the picture in so many seconds
_WAVE = 23.0  # pixels from crest to crest in a tree


@dataclass(frozen=True, slots=True)
class Weather:
    """``noise``: deviation of the sensor's noise, steps of 8-bit luma. ``light``: share of the day's light that is
    left. ``flicker``: share by which lamps on 50 Hz mains waver, as bands that roll through the picture at the beat of
    mains and shutter. ``clouds``: share of the light that their shadows take. ``rain``: streaks a picture.
    ``sway``: pixels that the trees in ``trees`` (x1 y1 x2 y2, shares of the picture) are bent by in a gust.
    """

    noise: float = 2.0
    light: float = 1.0
    flicker: float = 0.0
    clouds: float = 0.0
    rain: int = 0
    sway: float = 0.0
    trees: tuple[float, float, float, float] = (0.0, 0.0, 0.4, 0.5)


class Conditions:
    """One camera's weather, for pictures of ``width`` × ``height``. Pictures are asked for in order."""

    def __init__(self, weather: Weather, width: int, height: int, seed: int) -> None:
        self._weather = weather
        self._size = width, height
        self._random = random = np.random.default_rng(seed)
        shape = height + _MARGIN, width + _MARGIN
        self._grain = [_grain(random, *shape, weather.noise) for _ in range(_FIELDS)]
        if weather.rain:
            for field in self._grain:
                _add_streaks(random, field, weather.rain)
        steps = np.arange(256, dtype=np.float32)
        self._luma: Plane = np.round(16 + (steps - 16).clip(0) * weather.light).astype(np.uint8)
        self._chroma: Plane = np.round(128 + (steps - 128) * weather.light).astype(np.uint8)
        white = random.standard_normal((height // _COARSE, 4 * width // _COARSE), np.float32)
        soft = cv2.GaussianBlur(white, (0, 0), 6)
        self._sky = np.clip((soft - soft.min()) / float(np.ptp(soft)), 0, 1).astype(np.float32)
        self._rows = np.linspace(0, 1, height, dtype=np.float32)[:, None]

    def bend(self, luma: Plane, at_s: float) -> Plane:
        """The background ``at_s`` seconds into the footage, its trees moved by the wind."""
        if not self._weather.sway:
            return luma
        width, height = self._size
        x1, y1, x2, y2 = self._weather.trees
        part = np.s_[round(y1 * height) : round(y2 * height), round(x1 * width) : round(x2 * width)]
        crown = luma[part]
        rows, columns = (np.arange(length, dtype=np.float32) for length in crown.shape)
        gust = self._weather.sway * (0.55 + 0.3 * sin(2 * pi * at_s / 9.7) + 0.15 * sin(2 * pi * at_s / 3.1))
        edge = np.outer(np.hanning(len(rows)), np.hanning(len(columns))).astype(np.float32)
        phase = rows[:, None] / _WAVE + columns[None, :] / (2 * _WAVE) + 1.3 * at_s
        across = columns[None, :] + gust * edge * np.sin(2 * pi * phase).astype(np.float32)
        down = np.repeat(rows[:, None], len(columns), axis=1)
        bent = luma.copy()
        bent[part] = cv2.remap(crown, across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
        return bent

    def see(self, planes: Plane, at_s: float) -> Plane:
        """I420 planes ``(height * 3 / 2, width)`` as the sensor sees them: light, rain and noise."""
        width, height = self._size
        luma: Plane = planes[:height]
        if self._weather.light != 1.0:
            luma = cv2.LUT(luma, self._luma).astype(np.uint8, copy=False)
        gain = self._gain(at_s)
        if gain is not None:
            luma = cv2.multiply(luma, gain, dtype=cv2.CV_8U).astype(np.uint8, copy=False)
        field, y, x = (int(self._random.integers(0, most)) for most in (_FIELDS, _MARGIN, _MARGIN))
        seen = planes.copy()
        seen[:height] = cv2.add(luma, self._grain[field][y : y + height, x : x + width], dtype=cv2.CV_8U)
        if self._weather.light != 1.0:
            seen[height:] = cv2.LUT(seen[height:], self._chroma)
        return seen

    def _gain(self, at_s: float) -> NDArray[np.float32] | None:
        weather, (width, height) = self._weather, self._size
        gain: NDArray[np.float32] | None = None
        if weather.clouds:
            span = self._sky.shape[1] // 4
            offset = (at_s / _CLOUD_S * span) % (3 * span)
            begin = int(offset)
            part = self._sky[:, begin : begin + span + 1]
            part = part[:, :-1] + (offset - begin) * (part[:, 1:] - part[:, :-1])
            shadow = cv2.resize(part, (width, height), interpolation=cv2.INTER_LINEAR)
            gain = (1 - weather.clouds * shadow).astype(np.float32)
        if weather.flicker:
            bands = 1 + weather.flicker * np.sin(2 * pi * (1.7 * self._rows + 0.37 * at_s))
            gain = (np.repeat(bands, width, axis=1) if gain is None else gain * bands).astype(np.float32)
        return gain


def _grain(random: np.random.Generator, height: int, width: int, deviation: float) -> NDArray[np.int16]:
    """Noise of a sensor behind its colour filter: neighbours are alike."""
    soft = cv2.GaussianBlur(random.standard_normal((height, width), np.float32), (0, 0), 0.7)
    return np.round(soft * np.float32(deviation / float(soft.std()))).astype(np.int16)


def _add_streaks(random: np.random.Generator, field: NDArray[np.int16], count: int) -> None:
    """Drops fall through the picture in less than an exposure's time: short bright lines, nearly upright."""
    height, width = field.shape
    streaks = np.zeros(field.shape, np.uint8)
    for _ in range(count):
        x, y, length = (int(random.integers(low, high)) for low, high in ((0, width), (0, height), (8, height // 10)))
        cv2.line(streaks, (x, y), (x + length // 8, y + length), int(random.integers(8, 40)), 1, cv2.LINE_AA)
    field += streaks
