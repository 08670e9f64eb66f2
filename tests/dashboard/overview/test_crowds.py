"""Curves of how many stood in a place: today against the same weekday, by the zone's clocks."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from alerts.storage.samples import CrowdSample
from configs.places import Zone
from configs.schema import Camera, Settings, StreamSettings
from dashboard.overview.crowds import SHOWN, CountedPlace, curves, days, places_of

SHANGHAI = ZoneInfo("Asia/Shanghai")
BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 23, 9, 40, tzinfo=SHANGHAI)


def sample(at: datetime, mean: float, peak: int = 9, camera: str = "a", rule: str = "crowd") -> CrowdSample:
    return CrowdSample(int(at.timestamp() // 900), camera, rule, 100, round(mean * 100), peak)


def place(camera: str = "a", limit: int | None = 10) -> CountedPlace:
    return CountedPlace(camera, "crowd", "square", limit)


def test_today_stands_against_the_same_weekdays() -> None:
    half_past_nine = NOW.replace(minute=30)
    samples = [
        sample(half_past_nine, 4.5, 8),
        sample(half_past_nine - timedelta(hours=1), 2.0, 12),
        sample(half_past_nine - timedelta(weeks=1), 6.0, 40),
        sample(half_past_nine - timedelta(weeks=3), 7.0),
        sample(half_past_nine - timedelta(weeks=3, hours=1), 1.0),
    ]
    (curve,) = curves([place()], samples, NOW.timestamp(), SHANGHAI)
    assert (curve.today[34], curve.today[38], curve.today[39], curve.peak) == (2.0, 4.5, None, 12)
    assert (curve.usual[34], curve.usual[38], curve.usual_days) == (1.0, 6.5, 2)
    assert sum(mean is not None for mean in (*curve.today, *curve.usual)) == 4
    assert len(curve.today) == len(curve.usual) == 96


def test_who_is_nearest_to_the_limit_comes_first_and_who_was_not_counted_today_not_at_all() -> None:
    names = ("a", "b", "c", "d", "e", "f", "past", "unlimited")
    limits = {"b": 5, "unlimited": None}
    samples = [sample(NOW, 1.0 + number, camera=name) for number, name in enumerate(names[:6])]
    samples += [sample(NOW, 90.0, camera="unlimited"), sample(NOW - timedelta(weeks=1), 90.0, camera="past")]
    told = curves([place(name, limits.get(name, 10)) for name in names], samples, NOW.timestamp(), SHANGHAI)
    assert [curve.camera_id for curve in told] == ["f", "e", "d"], "d and b have the same share, d has more"
    assert len(told) == SHOWN


def test_days_are_those_of_the_zone_whatever_its_clocks_do() -> None:
    now = datetime(2026, 10, 25, 12, tzinfo=BERLIN)  # clocks went back
    spans = days(now.timestamp(), BERLIN)
    assert [round((end - begin) / 3600) for begin, end in spans] == [25, 24, 24, 24, 24]
    begin = int(spans[0][0] // 900)
    (curve,) = curves(
        [place()], [CrowdSample(begin + n, "a", "crowd", 1, 1, 1) for n in range(40)], spans[0][0], BERLIN
    )
    assert [mean is not None for mean in curve.today] == [True] * 36 + [False] * 60


@given(st.lists(st.tuples(st.integers(0, 5 * 7 * 96), st.integers(1, 900), st.integers(0, 9000)), max_size=80))
def test_means_lie_between_nothing_and_the_most_that_was_counted(found: list[tuple[int, int, int]]) -> None:
    now = NOW.timestamp()
    samples = [
        CrowdSample(int(now // 900) - back, "a", "crowd", looks, objects, objects) for back, looks, objects in found
    ]
    for curve in curves([place()], samples, now, SHANGHAI):
        most = max(each.objects / each.looks for each in samples)
        assert all(0 <= mean <= most + 0.01 for mean in (*curve.today, *curve.usual) if mean is not None)


def test_places_are_the_zones_of_counting_rules() -> None:
    rules = [
        {"id": "r1", "name": "n", "kind": "crowding", "zone": "z", "limit": 7},
        {"id": "r2", "name": "n", "kind": "crowding", "zone": "z", "density": 1.5},
        {"id": "r3", "name": "n", "kind": "intrusion", "zone": "z"},
    ]
    zone = Zone(id="z", name="z", polygon=((0, 0), (1, 0), (1, 1)), area_m2=50)
    camera = Camera(id="a", site="s", name="a", main=StreamSettings(url="rtsp://10.9.8.7/main"), zones=(zone,))
    settings = Settings(cameras=(Camera.model_validate({**camera.model_dump(), "rules": rules}),))
    assert places_of(settings) == (CountedPlace("a", "r1", "z", 7), CountedPlace("a", "r2", "z", None))
