"""Evidence of movement from packets: made-up cameras with noise, GOPs and a turning quantiser."""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import cache
from math import inf, log2

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.gating.activity import Activity

GOP = 50


def pictures(seconds: float, *, effort: float, noise: float, seed: int, qp: int = 26) -> Iterator[tuple[int, int]]:
    """Sizes and quantisers of P pictures at 25 a second: ``2 ** effort`` bytes at quantiser 26, give or take."""
    generator = random.Random(seed)
    for _ in range(int(seconds * 25)):
        turned = qp + generator.choice((-1, 0, 0, 1))
        yield max(1, round(2 ** (effort + generator.gauss(0, noise) - (turned - 26) / 6))), turned


class Camera:
    """Feeds an :class:`Activity` as a gate does; every GOP without a verdict of movement counts as calm."""

    def __init__(self) -> None:
        self.activity = Activity()
        self._at = 0
        self._moved = False

    def play(self, stream: Iterator[tuple[int, int]]) -> list[float]:
        levels = []
        for size, qp in stream:
            keyframe = self._at % GOP == 0
            if keyframe:
                self.activity.end_gop(calm=not self._moved)
                self._moved = False
            self.activity.note(60_000 if keyframe else size, qp, keyframe=keyframe)
            self._at += 1
            if not self.activity.learning:
                levels.append(self.activity.level)
                self._moved |= self.activity.level >= 1
        return levels


@pytest.mark.parametrize("noise", [0.03, 0.1, 0.3])
def test_calm_stays_calm_and_what_moves_is_seen_within_half_a_second(noise: float) -> None:
    camera = Camera()
    calm = camera.play(pictures(120, effort=13, noise=noise, seed=1))
    assert sum(level >= 1 for level in calm) / len(calm) < 0.03
    moving = camera.play(pictures(0.5, effort=13.6 + noise, noise=noise, seed=2))
    assert max(moving) >= 1


def test_a_quantiser_that_turns_hides_nothing_from_a_camera_of_constant_bit_rate() -> None:
    camera = Camera()
    camera.play(pictures(60, effort=13, noise=0.05, seed=1, qp=24))
    # The same bytes as before, bought with a quantiser four steps coarser: twice the effort, but for a third.
    hidden = camera.play((size, 28) for size, _ in pictures(1, effort=13, noise=0.05, seed=2, qp=24))
    assert max(hidden) >= 1


def cut_off(gops: int, *, coarse: bool, moving: bool) -> Iterator[tuple[int, int]]:
    """A camera whose first pictures after a key frame cost next to nothing: the noise in them is not coded yet.

    ``coarse``: rate control chose a quantiser three steps higher for all; those first pictures then cost an eighth.
    """
    generator = random.Random(gops)
    turned = 3 * coarse
    for _ in range(gops):
        for place in range(GOP):
            first = 0 < place < 4
            octaves, qp = (8.5 - turned, 29 + turned) if first else (13 - turned / 6, 25 + turned)
            octaves += (1.2 if first else 0.02) * moving + generator.gauss(0, 0.2 if first else 0.15)
            yield round(2**octaves), qp


def test_what_moves_in_the_dark_is_told_by_the_first_pictures_of_a_gop() -> None:
    camera = Camera()
    assert max(camera.play(cut_off(20, coarse=False, moving=False))) < 1
    assert max(camera.play(cut_off(1, coarse=False, moving=True))[:5]) >= 1


def test_a_quantiser_that_cuts_off_the_noise_is_not_taken_for_movement() -> None:
    camera = Camera()
    camera.play(cut_off(20, coarse=True, moving=False))
    assert max(camera.play(cut_off(10, coarse=False, moving=False))) < 1


def test_rain_becomes_part_of_the_norm() -> None:
    camera = Camera()
    camera.play(pictures(40, effort=13, noise=0.05, seed=1))
    activity = camera.activity
    levels = []
    for second in range(120):
        levels += camera.play(pictures(1, effort=13.5, noise=0.1, seed=second))
        if second % 2:  # as a gate does whose detector looks and finds nothing
            camera._moved = False
            activity.overrule()
    assert max(levels[-500:]) < 1


def test_nothing_is_said_before_some_calm_was_seen() -> None:
    assert Activity().learning
    camera = Camera()
    assert not camera.play(pictures(5, effort=13, noise=0.05, seed=1))


@settings(max_examples=50)
@given(st.lists(st.tuples(st.integers(0, 10**7), st.none() | st.integers(0, 51), st.booleans()), max_size=300))
def test_any_stream_gives_a_finite_level(stream: list[tuple[int, int | None, bool]]) -> None:
    activity = Activity()
    for size, qp, keyframe in stream:
        if keyframe:
            activity.end_gop(calm=True)
        activity.note(size, qp, keyframe=keyframe)
        assert 0 <= activity.level < 10


@pytest.mark.parametrize(("noise", "more"), [(0.05, 0.06), (0.1, 0.2), (0.2, 0.3)])
def test_what_is_noticed_is_foretold(noise: float, more: float) -> None:
    camera = Camera()
    camera.play(pictures(120, effort=13, noise=noise, seed=1))
    foretold = camera.activity.pictures_to_notice(more * 2**13)
    moving = camera.play(pictures(20, effort=13 + log2(1 + more), noise=noise, seed=2))
    noticed = next(index for index, level in enumerate(moving) if level >= 1)
    assert foretold / 4 <= noticed <= 4 * foretold + 5


def test_what_noise_hides_is_not_foretold() -> None:
    camera = Camera()
    camera.play(pictures(120, effort=17, noise=0.1, seed=1))
    assert camera.activity.pictures_to_notice(0.003 * 2**17) == inf
    assert Activity().pictures_to_notice(100.0) == 0.0, "nothing is known yet"


@given(st.floats(1, 20_000), st.floats(1, 4))
@settings(max_examples=30, deadline=None)
def test_more_is_noticed_sooner(more: float, times: float) -> None:
    camera = _learnt()
    assert camera.activity.pictures_to_notice(more * times) <= camera.activity.pictures_to_notice(more)


@cache
def _learnt() -> Camera:
    camera = Camera()
    camera.play(pictures(40, effort=13, noise=0.2, seed=1))
    return camera
