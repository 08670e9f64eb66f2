"""Whether a stream must be decoded now. Pure; time is the stream's own, in seconds; pictures come as they are decoded.

The gate is open while packets say that something moves, and while the detector finds something that matters; it shuts
when both are silent. What the packets say is overruled by a detector that looked for a while and found nothing: wind,
rain and an encoder's moods then become part of the norm. While it is shut, one key frame is looked at now and then,
in case the packets missed something.

Where a stream spends its bytes on the sensor's noise (at night, or at a high rate), somebody who walks hardly adds to
them. What is learnt of the calm tells whether that is so; such a stream is short-sighted, and its gate stays open,
unless key frames come so often that a look at each does.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from enum import StrEnum
from math import inf

from ingest.gating.activity import Activity

_UNSETTLED = 2.0  # evidence that opens while wary: after movement rate control wavers, and key frames are looked at
_WALKER = 0.003  # bits a pixel of the whole picture that somebody adds who covers 3 % of it (measured, rather low)
_WELL = 0.9
_REORDERED_S = 1.0  # B-frames come after a picture that is shown later than they are


class GateState(StrEnum):
    """``learning``: everything is decoded until the camera's calm is known. ``off``: the settings ask for no gate.
    ``watched``: it would be shut, but somebody looks at the live picture and wants the boxes on it.
    """

    OFF = "off"
    LEARNING = "learning"
    OPEN = "open"
    WATCHED = "watched"
    SHUT = "shut"


class Decision(StrEnum):
    """What to do with the picture at hand."""

    DECODE = "decode"
    LOOK = "look"  # decode this key frame alone
    REST = "rest"


@dataclass(frozen=True, slots=True)
class GateLimits:
    """Seconds. ``hold_s``: open for so long after the last reason. ``look_s``: a detector that found nothing for so
    long overrules the packets; twice as long if it had found something, which may only be hidden. ``floor_s``:
    between two looks while shut; for ``wary_s`` after it has shut, every key frame is looked at, since what made it
    open may have gone no further than out of the detector's reach. ``notice_s``: a stream on which a walker would stay
    unnoticed for longer is short-sighted, until it is well below. It is decoded whole, but for GOPs up to
    ``short_gop_s``: there every key frame is looked at.
    """

    hold_s: float = 1.0
    look_s: float = 2.0
    floor_s: float = 30.0
    wary_s: float = 3.0
    notice_s: float = 2.5
    short_gop_s: float = 1.0


@dataclass(frozen=True, slots=True)
class GateCounts:
    """Since the start. ``opened_by_look``: how often a look found what the packets had not told."""

    opened: int
    opened_by_look: int
    overruled: int
    looks: int


class PacketGate:
    """One stream's gate. :meth:`note` is called by its reader, :meth:`found` by whoever analyses its frames."""

    def __init__(self, limits: GateLimits | None = None, activity: Activity | None = None) -> None:
        self._limits = limits or GateLimits()
        self._activity = activity or Activity()
        self._lock = threading.Lock()
        self._state = GateState.LEARNING
        self._now = float("-inf")
        self._opened_at = self._moved_at = self._found_at = self._analysed_at = self._looked_at = float("-inf")
        self._shut_at = float("-inf")
        self._keyframe_at, self._gop_s = -inf, inf
        self.pixels = 0
        """Of a picture; 0: not known, and then no stream is taken for short-sighted."""
        self._mattered = self._watched = self._short_sighted = False
        self._counts = dict.fromkeys(("opened", "opened_by_look", "overruled", "looks"), 0)

    @property
    def state(self) -> GateState:
        """Now."""
        return GateState.WATCHED if self._watched and self._state is GateState.SHUT else self._state

    @property
    def level(self) -> float:
        """The packets' evidence, 1: something moves."""
        return self._activity.level

    def counts(self) -> GateCounts:
        """Figures since the start."""
        with self._lock:
            return GateCounts(**self._counts)

    def watch(self, watched: bool) -> None:
        """Whether somebody looks at the live picture: then everything is decoded, whatever the gate thinks."""
        with self._lock:
            self._watched = watched

    @property
    def short_sighted(self) -> bool:
        """Whether the packets cannot tell a walker from noise, so that the gate stays open."""
        return self._short_sighted

    def relearn(self) -> None:
        """The encoder was set otherwise: what was calm before says nothing now."""
        with self._lock:
            self._activity = Activity(self._activity.limits)
            self._state = GateState.LEARNING
            self._mattered = self._short_sighted = False

    def note(self, at: float, size: int, qp: int | None, *, keyframe: bool, reference: bool = True) -> Decision:
        """The picture at ``at`` seconds, of ``size`` bytes. Says what to do with it."""
        with self._lock:
            if at < self._now - _REORDERED_S:  # the stream's time went back: what was noted before says nothing
                self._opened_at = self._moved_at = self._found_at = self._analysed_at = self._looked_at = at
                self._shut_at = self._now = at
            self._now = at = max(self._now, at)
            activity = self._activity
            if keyframe:
                activity.end_gop(calm=not self._mattered)
                self._mattered = False
                self._judge_sight(at)
            activity.note(size, qp, keyframe=keyframe, reference=reference)
            if activity.learning:
                self._state = GateState.LEARNING
                return Decision.DECODE
            if self._state is GateState.LEARNING or (self._short_sighted and self._gop_s > self._limits.short_gop_s):
                self._open(at)
            if activity.level >= 1:
                self._moved_at = at
            shut = self._state is GateState.SHUT
            decision = self._shut_decision(at, keyframe) if shut else self._open_decision(at)
            return Decision.DECODE if self._watched else decision

    def found(self, at: float, *, matters: bool) -> None:
        """The frame at ``at`` seconds was analysed; whether something on it ``matters``: moves, or may yet alarm."""
        with self._lock:
            self._analysed_at = max(self._analysed_at, at)
            if not matters:
                return
            self._mattered = True
            self._found_at = max(self._found_at, at)
            if self._state is GateState.SHUT:
                self._counts["opened_by_look"] += 1
                self._open(self._now)

    def _judge_sight(self, at: float) -> None:
        gop_s, self._keyframe_at = at - self._keyframe_at, at
        if 0 < gop_s < inf and self.pixels:
            self._gop_s = gop_s
            needed = self._activity.pictures_to_notice(self.pixels * _WALKER / 8)
            needed_s = needed * gop_s / self._activity.pictures
            self._short_sighted = needed_s > self._limits.notice_s * (_WELL if self._short_sighted else 1)

    def _open_decision(self, at: float) -> Decision:
        limits = self._limits
        reason_at = max(self._opened_at, self._found_at)
        patience = limits.look_s if self._found_at < self._opened_at else 2 * limits.look_s
        overruled = self._analysed_at - reason_at >= patience
        if not overruled:
            reason_at = max(reason_at, self._moved_at)
        if not overruled and at - reason_at <= limits.hold_s:
            return Decision.DECODE
        if overruled and self._activity.level >= 1:
            self._counts["overruled"] += 1
        self._activity.overrule()
        self._state = GateState.SHUT
        self._shut_at = self._looked_at = at
        return Decision.REST

    def _shut_decision(self, at: float, keyframe: bool) -> Decision:
        wary = at - self._shut_at <= self._limits.wary_s
        if self._activity.level >= (_UNSETTLED if wary else 1):
            self._counts["opened"] += 1
            self._open(at)
            return Decision.DECODE
        if keyframe and (wary or self._short_sighted or at - self._looked_at >= self._limits.floor_s):
            self._counts["looks"] += 1
            self._looked_at = at
            return Decision.LOOK
        return Decision.REST

    def _open(self, at: float) -> None:
        self._state = GateState.OPEN
        self._opened_at = at
