"""``stale``: is a picture that stopped ever shown as a live one, whatever is wrong?

A wall in a real Chromium; the simulator's faults one after the other on half of its cameras, then processes of the
node and the page itself are stopped. The numbers in the pictures tell when the last new one came onto the glass;
``stale_marked_ms`` is from then until the mark is painted, over every fault whose pictures can be read and whatever
else makes them stand still. A picture damaged by loss keeps old parts; a tile that says so is marked already.

``frozen_shown_as_live``: looks, ten a second at each tile, at which the tile claimed to be live, and the number on the
glass had not changed for more than 2 s or the picture was older than the age told by more than reading both costs:
every second picture is read (80 ms), the age is told anew four times a second (250 ms), in tenths (50 ms), and on the
screen two of its frames later (33 ms); one more picture's time for a look that comes while the page draws makes
:data:`_AGE_OFF_MS`. Dark, moved and resized pictures have no number that could be read; that of slow and stuck ones
tells no time of capture, only whether it changes.

``neighbours_marked``: marks on cameras without a fault, while others had theirs.
"""

from __future__ import annotations

import base64
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from playwright.sync_api import Page

from benchmarks.glass import TOLD, Glass, glass
from benchmarks.report import Case, Figure, Report
from ingest.simulator.fault import PICTURED, SimFault

TILES: Final = 16
QUICK_TILES: Final = 4
ROUNDS: Final = 3
STOPPING: Final = (SimFault.FROZEN, SimFault.UNREACHABLE, SimFault.GARBLED)
SPOILING: Final = (
    SimFault.FLAPPING,
    SimFault.LOSSY,
    SimFault.JUMPING,
    SimFault.SLOW,
    SimFault.RESIZED,
    SimFault.DARK,
    SimFault.MOVED,
)
_HOLD_S: Final = 4.0
_SPOILT_S: Final = 8.0
_STUCK_S: Final = 14.0
_HEALED_S: Final = 30.0
_FROZEN_MS: Final = 2000.0
_AGE_OFF_MS: Final = 500.0
_READ_MS: Final = 150
"""A picture that comes so long after the one that was read last is read too: of two a second each counts."""
_UNREADABLE: Final = frozenset({SimFault.DARK, SimFault.MOVED, SimFault.RESIZED})
_RECENT_MS: Final = 300.0
_TOLD_AT_MOST: Final = 12
_LOOK_S: Final = 0.1
_VEILED: Final = 0.6
"""Of the brightness before: the veil takes seven tenths of the light."""
_STAND_STILL: Final = "(ms) => { const until = performance.now() + ms; while (performance.now() < until); }"


def run(quick: bool, workdir: Path) -> Report:
    """Every fault three times on 16 tiles, or those that end pictures once on four where ``quick``."""
    tiles = QUICK_TILES if quick else TILES
    scale = f"{tiles} tiles, faults on half of them, " + ("once" if quick else f"{ROUNDS} times")
    report = Report("stale", datetime.now(UTC).isoformat(timespec="seconds"), quick, scale)
    report.notes.append(TOLD)
    with glass(tiles, workdir) as wall:
        trial = Trial(wall, wall.cameras[: tiles // 2], wall.cameras[tiles // 2 :])
        wall.ask(f"read(2, false, {_READ_MS})")
        if quick:
            _quick(trial)
        else:
            _full(trial)
        _tell(report, trial)
    return report


@dataclass
class Trial:
    """``faulty`` cameras have the faults, ``sound`` ones never. Milliseconds, by cause."""

    wall: Glass
    faulty: tuple[str, ...]
    sound: tuple[str, ...]
    marked: dict[str, list[float]] = field(default_factory=dict)
    unmarked: list[str] = field(default_factory=list)
    frozen: dict[str, int] = field(default_factory=dict)
    seen_old: list[str] = field(default_factory=list)
    neighbours: int = 0
    looks: int = 0

    def fault(self, fault: SimFault, hold_s: float) -> None:
        """The cameras have it for so long, then none; returns when all tiles are live again."""
        self._forget()  # before: at its first time a fault's pictures are drawn, camera by camera
        for camera in self.faulty:
            self.wall.simulator.set_fault(self.wall.names[camera], fault)
        self.watch(fault.value, hold_s, self.faulty)
        for camera in self.faulty:
            self.wall.simulator.set_fault(self.wall.names[camera], SimFault.NONE)
        if fault is not SimFault.REFUSED:
            self.healed(fault.value)

    def stopped(self, part: str, hold_s: float) -> None:
        """A process of the node stands still for so long (SIGSTOP), then goes on."""
        pid = self.wall.processes()[part]
        with _standing_still(pid):
            self._forget()
            self.watch(f"{part} stopped", hold_s, self.wall.cameras)
        self.healed(f"{part} stopped")

    def hung(self, hold_s: float) -> None:
        """The page's own thread stands still: no script can mark anything, so what is filmed from outside counts."""
        with _film(self.wall.page) as film:
            self.wall.rest(1)
            began = time.time()
            self.wall.page.evaluate(_STAND_STILL, 1000 * hold_s)
        bright = float(np.median([light for at, light in film if at <= began] or [0.0]))
        dark = [at for at, light in film if at > began and light < _VEILED * bright]
        if dark:
            self.marked.setdefault("page hung", []).append(1000 * (dark[0] - began))
        else:
            self.unmarked.append("the whole page (page hung)")
        self._forget()
        self.watch("page back", 0.5, self.wall.cameras)
        self.healed("page hung")

    def _forget(self) -> None:
        self.wall.ask("take('states')")
        self.wall.ask("take('looks')")

    def watch(self, cause: str, seconds: float, concerned: tuple[str, ...]) -> None:
        """Look on, and book what was seen under the cause since :meth:`_forget`."""
        self.wall.ask(f"watch({1000 * _LOOK_S}, {1000 * seconds})")
        began = time.time() * 1000 - 1000 * seconds
        looks = self.wall.ask("take('looks')")
        self._book_marks(cause, concerned, self.wall.ask("take('states')"), looks)
        for at, camera, state, number, last, age, badge in looks:
            self.looks += 1
            if state != "live" or number < 0 or cause in _UNREADABLE or (badge and cause == SimFault.LOSSY):
                continue
            older = 0.0 if cause in PICTURED or age is None else self._age_ms(camera, number, at) - age
            for what, is_so in (("stood", at - last > _FROZEN_MS), ("age", older > _AGE_OFF_MS)):
                if is_so:
                    self.frozen[f"{cause}, {what}"] = self.frozen.get(f"{cause}, {what}", 0) + 1
                    self.seen_old.append(
                        f"{cause}, {what}: {camera} {(at - began) / 1000:+.1f} s, unchanged for {at - last:.0f} ms, "
                        f"told {age}, older by {older:.0f} ms"
                    )

    def _book_marks(
        self, cause: str, concerned: tuple[str, ...], states: list[list[Any]], looks: list[list[Any]]
    ) -> None:
        """The first mark of each camera; what its badge told before is no news."""
        badges: dict[str, list[float]] = {}
        for at, camera, *_, badge in looks:
            if badge:
                badges.setdefault(camera, []).append(at)
        seen: set[str] = set()
        for at, camera, _, state, last, *_said in states:
            if state == "live" or camera in seen:
                continue
            if camera not in concerned:
                self.neighbours += 1
                continue
            seen.add(camera)
            if cause != SimFault.LOSSY or not any(0 < at - told < _RECENT_MS for told in badges.get(camera, ())):
                self.marked.setdefault(cause, []).append(at - last)
        if cause in (*STOPPING, SimFault.REFUSED, SimFault.STUCK):
            self.unmarked += [f"{camera} ({cause})" for camera in concerned if camera not in seen]

    def _age_ms(self, camera: str, number: int, at: float) -> float:
        return at - 1000 * self.wall.captured_at(camera, number, at / 1000)

    def healed(self, what: str) -> None:
        """All tiles live, and new pictures on each that can be read: a camera goes on with its own at its next GOP."""
        everywhere = len(self.wall.cameras)
        over = 1000 * time.time()
        read = f"readSince({over})"
        self.wall.until(lambda: len(self.wall.ask(read)) == everywhere, _HEALED_S, f"new pictures after {what}")
        self.wall.until(lambda: len(self.wall.ask("live()")) == everywhere, _HEALED_S, f"live again after {what}")
        self.wall.rest(1)


@contextmanager
def _film(page: Page) -> Iterator[list[tuple[float, float]]]:
    """What the browser puts on the screen: UTC epoch seconds and mean brightness of the wall's middle, 0 to 255."""
    session = page.context.new_cdp_session(page)
    film: list[tuple[float, float]] = []

    def take(frame: dict[str, Any]) -> None:
        picture = cv2.imdecode(np.frombuffer(base64.b64decode(frame["data"]), np.uint8), cv2.IMREAD_GRAYSCALE)
        assert picture is not None, "the browser's film holds no pictures"
        height, width = picture.shape
        middle = picture[height // 4 : height * 3 // 4, : width // 2]
        film.append((float(frame["metadata"]["timestamp"]), float(middle.mean())))
        session.send("Page.screencastFrameAck", {"sessionId": frame["sessionId"]})

    session.on("Page.screencastFrame", take)
    session.send("Page.startScreencast", {"format": "jpeg", "quality": 40, "maxWidth": 480, "maxHeight": 270})
    try:
        yield film
    finally:
        session.send("Page.stopScreencast")
        session.detach()


@contextmanager
def _standing_still(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def _quick(trial: Trial) -> None:
    for fault in (SimFault.FROZEN, SimFault.UNREACHABLE, SimFault.GARBLED):
        trial.fault(fault, 2.5)
    trial.fault(SimFault.REFUSED, 2.5)


def _full(trial: Trial) -> None:
    for _ in range(ROUNDS):
        for fault in STOPPING:
            trial.fault(fault, _HOLD_S)
        for fault in SPOILING:
            trial.fault(fault, _SPOILT_S)
        trial.fault(SimFault.STUCK, _STUCK_S)
        trial.stopped("worker-1", _HOLD_S)
        trial.stopped("dashboard", _HOLD_S)
        trial.hung(_HOLD_S)
    trial.fault(SimFault.REFUSED, _HOLD_S)  # last: a camera that refuses is asked again after ten minutes


def _tell(report: Report, trial: Trial) -> None:
    stopped = [took for cause, found in trial.marked.items() if cause not in _UNREADABLE for took in found]
    report.percentiles("stale_marked_ms", stopped, "ms", {50: 2000, 99: 2000})
    if stuck := trial.marked.get(SimFault.STUCK.value):
        report.percentiles("stuck_marked_ms", stuck, "ms", {99: 2000})
    report.figures["frozen_shown_as_live"] = Figure(sum(trial.frozen.values()), "looks", "lower", 0)
    report.figures["never_marked"] = Figure(len(trial.unmarked), "tiles", "lower", 0)
    report.figures["neighbours_marked"] = Figure(trial.neighbours, "marks", "lower", 0)
    for cause, found in trial.marked.items():
        report.samples[f"marked_ms_{cause.replace(' ', '_')}"] = found
        report.notes.append(f"{cause}: {len(found)} marks, the slowest after {max(found):.0f} ms")
    report.notes.append(f"{trial.looks} looks at tiles")
    if trial.frozen:
        report.notes.append(
            "old pictures shown as live: " + ", ".join(f"{cause} {n}" for cause, n in trial.frozen.items())
        )
        report.notes += [f"old: {line}" for line in trial.seen_old[:_TOLD_AT_MOST]]
    if trial.unmarked:
        report.notes.append(f"never marked: {', '.join(trial.unmarked)}")


STALE = Case("stale", "is a picture that stopped ever shown as live, and how soon is it marked?", run)
