"""``latency``: how old is what stands on the glass, and how soon does an alarm stand in the list?

Sixteen tiles in a real Chromium. ``capture_to_screen``: the simulator burns a number into each picture; a script reads
it from the video element when the picture is presented, and compares the time at which the browser expects it on the
screen with the capture time of that number. ``alarm_to_screen``: from the capture time of the frame that completed the
rule to the frame of the page after the one with the alarm's row.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from benchmarks.glass import TOLD, Glass, glass
from benchmarks.report import Case, Report
from configs.schema import Camera, Line, LineCrossingRule
from xueliang.demo.county import TRAFFIC

TILES: Final = 16
_ARMED: Final = 8
"""So many cameras have a rule: enough alarms for a percentile, few enough that no flood is folded away."""
_REARM_S: Final = 3.0
_EVERY: Final = 4  # pictures of a tile, of which one is read


def run(quick: bool, workdir: Path) -> Report:
    """Measure for three minutes, or 12 s where ``quick``."""
    seconds = 12 if quick else 180
    scale = f"{TILES} tiles for {seconds} s, {_ARMED} cameras with a rule"
    report = Report("latency", datetime.now(UTC).isoformat(timespec="seconds"), quick, scale)
    report.notes.append(TOLD)
    with glass(TILES, workdir, change=_with_rule) as wall:
        wall.rest(3 if quick else 15)
        wall.ask("take('rows')")
        wall.ask(f"read({_EVERY}, true)")
        wall.rest(seconds)
        wall.ask("read(0, false)")
        _pictures(report, wall)
        _alarms(report, wall)
    return report


def _with_rule(number: int, camera: Camera) -> Camera:
    line = Line(id="line", name="中线", a=(0.5, 1.0), b=(0.5, 0.0))
    rule = LineCrossingRule(
        id="across", kind="line_crossing", name="越线", line=line.id, classes=TRAFFIC, rearm_s=_REARM_S
    )
    armed = number < _ARMED
    return camera.model_copy(update={"zones": (), "lines": (line,), "rules": (rule,) if armed else ()})


def _pictures(report: Report, wall: Glass) -> None:
    delays, unread, off = [], 0, []
    for camera, number, shown, _, age in wall.ask("take('pictures')"):
        if number < 0:
            unread += 1
            continue
        delays.append(shown - 1000 * wall.captured_at(camera, number, shown / 1000))
        if age is not None:
            off.append(abs(age - delays[-1]))
    report.percentiles("capture_to_screen_ms", delays, "ms", {50: 300, 99: 1000})
    report.notes.append(f"{len(delays)} pictures read, {unread} without a readable number")
    if off:
        report.notes.append(
            f"the age that tiles show differs from it by {sorted(off)[len(off) // 2]:.0f} ms in the median"
        )


def _alarms(report: Report, wall: Glass) -> None:
    wall.rest(1)
    shown = dict(wall.ask("take('rows')"))
    occurred = _occurred(wall)
    delays = [at - 1000 * occurred[event] for event, at in shown.items() if event in occurred]
    report.percentiles("alarm_to_screen_ms", delays, "ms", {50: 1000, 99: 1000})
    report.notes.append(f"{len(delays)} alarms; of fewer than 100 the 99th percentile is nearly the slowest")


def _occurred(wall: Glass) -> dict[str, float]:
    """When each stored event happened: the capture time of the frame that completed its rule, UTC epoch seconds."""
    found: dict[str, float] = {}
    cursor: str | None = ""
    with wall.client() as client:
        while cursor is not None:
            answer = client.get("/api/events", params={"limit": 200, **({"cursor": cursor} if cursor else {})})
            page = answer.raise_for_status().json()
            found |= {row["id"]: row["occurred_at"] for row in page["rows"]}
            cursor = page["next_cursor"]
    return found


LATENCY = Case(
    "latency", "how old is the picture on the glass at 16 tiles, how soon does an alarm stand in the list?", run
)
