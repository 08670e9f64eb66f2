"""轮巡 as a pure state machine: which camera stands in which tile, until when, and what comes next.

A visit ends on its slot's grid ``epoch + slot·dwell/slots + m·dwell``, so that one tile switches every
``dwell/slots`` seconds and never two at once. A visit that begins off the grid (at the start, after an alarm, after
"next") lasts between 0.5 and 1.5 dwells, until the first point of the grid that is far enough away; every other visit
lasts one dwell exactly. With ``n`` stops and no alarm a stop is therefore seen every ``n·dwell/slots`` seconds; the
visit that an alarm interrupts is owed, and shown before anything else.

Times are UTC epoch seconds and always passed in. States are immutable plain data: every step returns a new one.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from configs.schema import Settings

_EPSILON_S = 1e-6
_CLOCK_STEP_S = 1.0
QUEUE_SHOWN = 16
"""How many coming visits are promised; a longer queue tells an operator nothing."""


@dataclass(frozen=True, slots=True)
class Stop:
    """One camera of one site."""

    site_id: str
    camera_id: str


@dataclass(frozen=True, slots=True)
class Plan:
    """The patrol plan with its cameras resolved, in visiting order."""

    name: str
    name_en: str | None
    slots: int
    dwell_s: float
    alarm_hold_s: float
    stops: tuple[Stop, ...]
    revisit_limit_s: float | None = None

    @property
    def revisit_s(self) -> float:
        """How long a camera may be out of sight: unless the settings say it, for a round and an alarm's hold."""
        if self.revisit_limit_s is not None:
            return self.revisit_limit_s
        return max(len(self.stops), self.slots) * self.dwell_s / self.slots + self.alarm_hold_s

    @classmethod
    def of(cls, settings: Settings) -> Plan:
        """All cameras of the plan's sites, in order; a plan without sites visits every site in file order."""
        patrol = settings.patrol
        sites = patrol.sites or tuple(site.id for site in settings.sites)
        stops = tuple(
            Stop(site, camera.id) for site in dict.fromkeys(sites) for camera in settings.cameras if camera.site == site
        )
        return cls(
            patrol.name, patrol.name_en, patrol.slots, patrol.dwell_s, patrol.alarm_hold_s, stops, patrol.revisit_s
        )


class Plain(BaseModel):
    """Frozen plain data."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Slot(Plain):
    """One tile. ``since`` and ``until``: when this showing began and when it will have ended at the latest."""

    slot: int = Field(ge=0)
    site_id: str
    camera_id: str
    reason: Literal["patrol", "alarm"]
    event_id: str | None = None
    since: float
    until: float


class Promise(Plain):
    """A coming visit; ``due_at`` holds unless an alarm intervenes."""

    site_id: str
    camera_id: str
    due_at: float
    owed: bool


class Figures(Plain):
    """``visits`` begun, ``preempted`` by alarms, ``owed`` now, ``displaced``: alarms that gave way to newer ones."""

    visits: int = 0
    preempted: int = 0
    owed: int = 0
    displaced: int = 0


class Visit(Plain):
    """A camera came back to the wall at ``at``, ``slack_s`` before it was due or, negative, after. ``due``: how often
    it had been by then, once if it is on time."""

    camera_id: str
    at: float
    due: int
    slack_s: float

    @classmethod
    def of(cls, camera_id: str, at: float, unseen_s: float, revisit_s: float) -> Visit:
        """After ``unseen_s`` off the wall, where ``revisit_s`` are allowed."""
        due = max(1, int(unseen_s // revisit_s))
        return cls(camera_id=camera_id, at=at, due=due, slack_s=revisit_s - unseen_s)


class RotationState(Plain):
    """All that a restart needs. ``next_camera`` is where the order goes on, ``seen`` the last stream id heeded.

    ``unseen_since``: when cameras left the wall. ``visits`` wait for the store (:mod:`dashboard.patrol.visits`);
    ``unrecorded`` went because it was away for too long.
    """

    v: Literal[1] = 1
    epoch: float
    next_camera: str | None
    owed: tuple[str, ...] = ()
    slots: tuple[Slot, ...] = ()
    figures: Figures = Figures()
    seen: str | None = None
    unseen_since: dict[str, float] = Field(default_factory=dict)
    visits: tuple[Visit, ...] = ()
    unrecorded: int = 0


class Rotation(Plain):
    """What the page is shown."""

    v: Literal[1] = 1
    plan_name: str
    plan_name_en: str | None
    dwell_s: float
    server_time: float
    slots: tuple[Slot, ...]
    queue: tuple[Promise, ...]
    figures: Figures


class Machine:
    """The steps over a :class:`RotationState`, for one plan. Holds no state of its own."""

    def __init__(self, plan: Plan) -> None:
        self.follow(plan)

    def follow(self, plan: Plan) -> None:
        """By this plan from now on; a state that is taken up next is fitted to it (:meth:`resume`)."""
        self.plan = plan
        self._stops = {stop.camera_id: stop for stop in plan.stops}
        self._order = tuple(self._stops)
        self._position = {camera: index for index, camera in enumerate(self._order)}

    def start(self, now: float) -> RotationState:
        """Every slot shows its first stop; a plan with fewer stops than slots leaves the rest empty."""
        first = self._order[0] if self._order else None
        return self.tick(RotationState(epoch=now, next_camera=first), now)

    def resume(self, state: RotationState, now: float) -> RotationState:
        """Takes up a stored state under this plan, which may have changed, and after any time away.

        Stops that are gone leave; a state from the future (the server's clock was set back) starts its grid anew.
        """
        kept = tuple(
            slot
            for slot in state.slots
            if slot.slot < self.plan.slots and (slot.reason == "alarm" or slot.camera_id in self._stops)
        )
        if any(slot.since > now + _CLOCK_STEP_S for slot in kept):
            kept, state = (), state.model_copy(update={"epoch": now})
        following = state.next_camera if state.next_camera in self._stops else next(iter(self._order), None)
        owed = tuple(camera for camera in state.owed if camera in self._stops)
        unseen = {camera: min(now, at) for camera, at in state.unseen_since.items() if camera in self._stops}
        taken = state.model_copy(update={"slots": kept, "next_camera": following, "owed": owed, "unseen_since": unseen})
        return self.tick(self._counted(taken), now)

    def tick(self, state: RotationState, now: float) -> RotationState:
        """Ends what has run out, at most one switch a slot however late it comes, and fills empty slots."""
        for slot in sorted(state.slots, key=lambda slot: (slot.until, slot.slot)):
            if slot.until <= now + _EPSILON_S:
                state = self._switch(state, slot.slot, now)
        used = {slot.slot for slot in state.slots}
        for index in range(self.plan.slots):
            if index not in used:
                state = self._switch(state, index, now)
        return state

    def next_due(self, state: RotationState) -> float | None:
        """When :meth:`tick` next has something to do; ``None`` with nothing to show."""
        return min((slot.until for slot in state.slots), default=None)

    def skip(self, state: RotationState, now: float) -> RotationState:
        """ "Next": the patrol visit that is nearest to its end gives way at once. Alarms stay."""
        victim = _nearest_end(slot for slot in state.slots if slot.reason == "patrol")
        return state if victim is None else self._switch(state, victim.slot, now)

    def alarm(self, state: RotationState, event_id: str, stop: Stop, now: float) -> RotationState:
        """Calls ``stop`` up for the hold.

        Where it already stands, that slot turns into the alarm's. Otherwise it takes an empty slot, else the patrol
        visit nearest to its end (which is then owed), else, with alarms everywhere, the oldest of them.
        """
        shown = next((slot for slot in state.slots if slot.camera_id == stop.camera_id), None)
        if shown is not None:
            since = shown.since
            return self._placed(state, self._alarm_slot(shown.slot, event_id, stop, since, now))
        used = {slot.slot for slot in state.slots}
        free = next((index for index in range(self.plan.slots) if index not in used), None)
        if free is not None:
            return self._placed(state, self._alarm_slot(free, event_id, stop, now, now))
        victim = _nearest_end(slot for slot in state.slots if slot.reason == "patrol")
        figures = state.figures
        if victim is not None:
            owed = (*state.owed, victim.camera_id)
            figures = figures.model_copy(update={"preempted": figures.preempted + 1})
            state = state.model_copy(update={"owed": owed, "figures": figures})
        else:
            victim = min(state.slots, key=lambda slot: (slot.since, slot.slot))
            figures = figures.model_copy(update={"displaced": figures.displaced + 1})
            state = state.model_copy(update={"figures": figures})
        return self._counted(self._placed(state, self._alarm_slot(victim.slot, event_id, stop, now, now)))

    def release(self, state: RotationState, event_id: str, now: float) -> RotationState:
        """The alarm was acknowledged: its slot goes back to the patrol at once."""
        held = next((slot for slot in state.slots if slot.reason == "alarm" and slot.event_id == event_id), None)
        return state if held is None else self._switch(state, held.slot, now)

    def view(self, state: RotationState, now: float) -> Rotation:
        """What the page is shown: slots in order, and the coming visits with when they are due."""
        return Rotation(
            plan_name=self.plan.name,
            plan_name_en=self.plan.name_en,
            dwell_s=self.plan.dwell_s,
            server_time=now,
            slots=tuple(sorted(state.slots, key=lambda slot: slot.slot)),
            queue=tuple(self._promises(state)),
            figures=state.figures,
        )

    def _alarm_slot(self, slot: int, event_id: str, stop: Stop, since: float, now: float) -> Slot:
        return Slot(
            slot=slot,
            site_id=stop.site_id,
            camera_id=stop.camera_id,
            reason="alarm",
            event_id=event_id,
            since=since,
            until=now + self.plan.alarm_hold_s,
        )

    def _grid(self, epoch: float, slot: int, earliest: float) -> float:
        """First point of the slot's grid at or after ``earliest``."""
        phase = epoch + slot * self.plan.dwell_s / self.plan.slots
        steps = math.ceil((earliest - phase) / self.plan.dwell_s - _EPSILON_S)
        return phase + steps * self.plan.dwell_s

    def _switch(self, state: RotationState, index: int, now: float) -> RotationState:
        """Puts the next visit into slot ``index``; with nothing else to show it keeps its stop for another dwell."""
        state = state.model_copy(update={"slots": tuple(slot for slot in state.slots if slot.slot != index)})
        showing = {slot.camera_id for slot in state.slots}
        camera, state = self._take(state, showing)
        if camera is None:
            return self._counted(state)
        stop = self._stops[camera]
        until = self._grid(state.epoch, index, now + self.plan.dwell_s / 2)
        slot = Slot(slot=index, site_id=stop.site_id, camera_id=camera, reason="patrol", since=now, until=until)
        figures = state.figures.model_copy(update={"visits": state.figures.visits + 1})
        return self._counted(self._placed(state.model_copy(update={"figures": figures}), slot))

    def _take(self, state: RotationState, showing: set[str]) -> tuple[str | None, RotationState]:
        """The next camera that is not on the wall: owed ones first, then the order.

        A stop whose turn comes while an alarm shows it is being seen: its turn counts as taken, owed or not.
        """
        owed = [camera for camera in state.owed if camera not in showing]
        if owed:
            return owed[0], state.model_copy(update={"owed": tuple(owed[1:])})
        state = state.model_copy(update={"owed": ()})
        start = 0 if state.next_camera is None else self._position[state.next_camera]
        for camera, following in self._cycle(start):
            if camera not in showing:
                return camera, state.model_copy(update={"next_camera": following})
        return None, state

    def _cycle(self, start: int) -> Iterator[tuple[str, str]]:
        """One round of the order from ``start``: each camera, and who follows it."""
        count = len(self._order)
        for step in range(count):
            yield self._order[(start + step) % count], self._order[(start + step + 1) % count]

    def _promises(self, state: RotationState) -> Iterator[Promise]:
        patrol_next = sorted(
            (when, slot.slot)
            for slot in state.slots
            for when in (slot.until + turn * self.plan.dwell_s for turn in range(QUEUE_SHOWN))
        )
        showing = {slot.camera_id for slot in state.slots}
        waiting = [(camera, True) for camera in state.owed if camera not in showing]
        promised = {camera for camera, _ in waiting}
        start = 0 if state.next_camera is None else self._position[state.next_camera]
        for camera, _ in self._cycle(start):
            if len(waiting) >= QUEUE_SHOWN:
                break
            if camera not in showing and camera not in promised:
                waiting.append((camera, False))
        for (camera, owed), (due_at, _) in zip(waiting, patrol_next, strict=False):
            stop = self._stops[camera]
            yield Promise(site_id=stop.site_id, camera_id=camera, due_at=due_at, owed=owed)

    @staticmethod
    def _placed(state: RotationState, slot: Slot) -> RotationState:
        others = tuple(other for other in state.slots if other.slot != slot.slot)
        return state.model_copy(update={"slots": (*others, slot)})

    @staticmethod
    def _counted(state: RotationState) -> RotationState:
        figures = state.figures.model_copy(update={"owed": len(state.owed)})
        return state.model_copy(update={"figures": figures})


def _nearest_end(slots: Iterator[Slot]) -> Slot | None:
    return min(slots, key=lambda slot: (slot.until, slot.slot), default=None)
