"""When a shift ends, by the wall clock of the site."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from configs.desks import AlarmSettings, next_change

SHANGHAI, BERLIN = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("now", "ends", "zone"),
    [
        pytest.param("2026-11-23 07:59", "2026-11-23 08:00", SHANGHAI, id="a minute before"),
        pytest.param("2026-11-23 08:00", "2026-11-23 20:00", SHANGHAI, id="at the change the next shift has begun"),
        pytest.param("2026-11-23 23:00", "2026-11-24 08:00", SHANGHAI, id="over midnight"),
        pytest.param("2026-10-24 21:00", "2026-10-25 08:00", BERLIN, id="the night in which clocks are set back"),
    ],
)
def test_a_shift_ends_at_the_next_change(now: str, ends: str, zone: ZoneInfo) -> None:
    def at(text: str) -> float:
        return datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=zone).timestamp()

    assert next_change(("08:00", "20:00"), at(now), zone) == at(ends)
    assert next_change((), at(now), zone) is None


def test_a_change_is_a_time_of_day() -> None:
    with pytest.raises(ValueError, match="shift_changes"):
        AlarmSettings(shift_changes=("24:00",))
