"""Unattended posts: absences by who is there each second."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from alerts.rules.base import Ongoing
from alerts.rules.unattended import Unattended
from configs.places import Zone
from configs.rules import UnattendedRule
from detect.detection import Tracks

Frame = Callable[..., Tracks]
ZONE = Zone(id="post", name="岗亭", polygon=((0.4, 0.4), (0.9, 0.4), (0.9, 0.9), (0.4, 0.9)))
IN, OUT = (0.6, 0.6), (0.2, 0.6)


def unattended(duration_s: float = 3, required: int = 1) -> Unattended:
    fields = {"id": "r", "name": "n", "kind": "unattended", "zone": "post"}
    return Unattended(UnattendedRule.model_validate({**fields, "duration_s": duration_s, "required": required}), ZONE)


def people(n: int) -> dict[int, tuple[float, float]]:
    return {**dict.fromkeys(range(n), IN), 99: OUT}


@pytest.mark.parametrize(
    ("required", "counts", "found", "reason"),
    [
        (1, [0, 0, 0, 0, 0, 0], [3], "nobody from the first picture on, found once"),
        (1, [1, 1, 0, 0, 0, 0], [5], "left"),
        (1, [0, 0, 1, 0, 0], [3], "who is seen for one frame was not there"),
        (1, [0, 0, 1, 1, 0, 0, 0, 0], [7], "came and left again"),
        (2, [1, 1, 1, 1], [3], "one where two are required"),
        (2, [2, 2, 3, 2], [], "enough, and more than enough"),
        (1, [0, 0, 0, 0, 1, 0, 0, 0, 0], [3], "one look in does not arm it again"),
        (1, [0, 0, 0, 0, 1, 1, 0, 0, 0, 0], [3, 9], "who came back does"),
        (1, [0, 0, 1, 1, 1, 1], [], "back in time"),
    ],
)
def test_an_absence_is_found_once_and_in_time(
    frame: Frame, required: int, counts: list[int], found: list[int], reason: str
) -> None:
    rule = unattended(required=required)
    assert [second for second, n in enumerate(counts) if rule.observe(frame(second, people(n)))] == found, reason


def test_the_finding_and_what_lasts_tell_the_time(frame: Frame) -> None:
    rule = unattended(required=2)
    (finding,) = [f for second in range(4) for f in rule.observe(frame(second, people(1)))]
    assert (finding.measured, finding.limit, finding.unit) == (3, 3, "s")
    assert [seen.track_id for seen in finding.objects] == [0]
    rule.observe(frame(10, people(0)))
    assert rule.ongoing == (Ongoing((), 10, frozenset()),)
    assert rule.alarmed == frozenset()


def test_no_picture_is_no_absence(frame: Frame) -> None:
    rule = unattended()
    assert rule.observe(frame(0, people(0))) == []
    assert rule.observe(frame(60, people(0))) == [], "a minute without a picture tells of nothing"
    assert rule.pending, "so the next pictures should be looked at"
    assert [at for at in (61, 62, 63) if rule.observe(frame(at, people(0)))] == [63]


def test_a_rare_look_at_an_empty_post_goes_on_with_what_was_found(frame: Frame) -> None:
    rule = unattended()
    found = [at for at in (0, 1, 2, 3, 33, 63, 93) if rule.observe(frame(at, people(0)))]
    assert found == [3]
    assert not rule.pending
