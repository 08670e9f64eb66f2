"""Drawn weather: the same each time, where it is said to be, as strong as it is said to be."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.weather import Conditions, Weather

WIDTH, HEIGHT = 320, 192
PLANES = np.full((HEIGHT * 3 // 2, WIDTH), 120, np.uint8)
TEXTURE = np.random.default_rng(5).integers(60, 180, (HEIGHT, WIDTH), np.uint8)


def _seen(weather: Weather, at_s: float = 0.0) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return Conditions(weather, WIDTH, HEIGHT, seed=3).see(PLANES, at_s)[:HEIGHT]


def test_the_same_seed_gives_the_same_pictures_and_no_two_are_alike() -> None:
    one, other = (Conditions(Weather(rain=20, clouds=0.3), WIDTH, HEIGHT, seed=1) for _ in range(2))
    first, second = one.see(PLANES, 0.0), one.see(PLANES, 0.04)
    assert (first == other.see(PLANES, 0.0)).all()
    assert (first != second).mean() > 0.2


@pytest.mark.parametrize("noise", [2.0, 5.0])
def test_noise_is_as_strong_as_it_is_said_to_be(noise: float) -> None:
    assert _seen(Weather(noise=noise)).std() == pytest.approx(noise, rel=0.1)


def test_night_is_dark_and_clouds_take_no_more_than_their_share() -> None:
    assert _seen(Weather(light=0.4)).mean() == pytest.approx(16 + 0.4 * (120 - 16), abs=1)
    lights = [_seen(Weather(noise=0.5, clouds=0.3), at).mean() / 120 for at in range(0, 30, 3)]
    assert 0.69 <= min(lights) < max(lights) <= 1.01
    assert max(lights) - min(lights) > 0.03


def test_lamps_flicker_in_bands_that_move() -> None:
    rows = [_seen(Weather(noise=0.5, flicker=0.05), at).mean(axis=1) for at in (0.0, 1.0)]
    assert float(np.ptp(rows[0])) > 0.08 * 120
    assert np.abs(rows[0] - rows[1]).max() > 3


def test_only_the_trees_sway() -> None:
    conditions = Conditions(Weather(sway=3.0, trees=(0.5, 0.0, 1.0, 0.5)), WIDTH, HEIGHT, seed=1)
    moved = conditions.bend(TEXTURE, 2.0) != TEXTURE
    assert moved[: HEIGHT // 2, WIDTH // 2 :].mean() > 0.3
    assert not moved[HEIGHT // 2 :].any()
    assert not moved[:, : WIDTH // 2].any()
