"""The state machine of a stream: what happened in, what an operator reads out. Pure; time is passed in.

``connecting`` is only the time before the first verdict. From then on a stream that is being tried again stays
``stale``, ``offline`` or ``refused``, with its attempts counted, so that the wall does not flicker between words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from ingest.state import Fault, Phase, StreamState

LEGAL_STEPS: frozenset[tuple[Phase, Phase]] = frozenset(
    {
        (Phase.CONNECTING, Phase.LIVE),
        (Phase.CONNECTING, Phase.OFFLINE),
        (Phase.CONNECTING, Phase.REFUSED),
        (Phase.LIVE, Phase.STALE),
        (Phase.STALE, Phase.LIVE),
        (Phase.STALE, Phase.OFFLINE),
        (Phase.STALE, Phase.REFUSED),
        (Phase.OFFLINE, Phase.LIVE),
        (Phase.OFFLINE, Phase.REFUSED),
        (Phase.OFFLINE, Phase.CONNECTING),
        (Phase.REFUSED, Phase.CONNECTING),
    }
)
"""Every other step is a fault of the program, not of the camera."""

STALLED_HERE = "this machine: all streams stalled at once"


class IllegalStep(RuntimeError):
    """The state machine was asked for a step that :data:`LEGAL_STEPS` does not hold."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds. Without a picture for ``stale_s`` a stream is stale, for ``offline_s`` offline.

    ``damaged_s``: a stream known to be garbled or lossy is called frozen only after so long without packets, since the
    demuxer holds back what it cannot tell apart (whole GOPs of garbled H.265).
    """

    stale_s: float = 1.7  # known within 2 s, with the watch looking every quarter of a second
    damaged_s: float = 4.5
    offline_s: float = 10.0


@dataclass(frozen=True, slots=True)
class Verdicts:
    """What others judge of the stream. ``packets``: some came in the open session. ``findings``: with a sentence."""

    packets: bool = True
    findings: Mapping[Fault, str] = field(default_factory=dict)
    stalled_here: bool = False


PRECEDENCE = (
    Fault.STUCK,
    Fault.LOSSY,
    Fault.GARBLED,
    Fault.FLAPPING,
    Fault.DARK,
    Fault.MOVED,
    Fault.SLOW,
    Fault.JUMPING,
    Fault.RESIZED,
)
"""Which fault of a live stream is told where there are several.

First an old picture, since nothing else may hide that it is one (a black one is always the same, and that is no fault
of its own). What keeps pictures from coming whole explains what may be seen in them: lost packets make pictures that
cannot be decoded. Then what makes them worthless, then what makes them worse.
"""


class Lifecycle:
    """One stream's phase, fault and history. Not thread-safe: its owner holds a lock.

    Times are UTC epoch seconds except ``since_picture_s`` and ``since_packet_s``, which the owner measures on a
    monotonic clock, so that a step of the machine's clock makes no stream stale.
    """

    def __init__(self, camera_id: str, stream: str, now: float, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._open = False
        self._opened_at = now
        self._last_fault: tuple[Fault, str] | None = None
        self._refused_since: float | None = None
        self.state = StreamState(camera_id, stream, Phase.CONNECTING, None, now, now, 0, "first attempt")

    def attempt(self, now: float) -> None:
        """A session is being opened."""
        self._open = False
        state = self.state
        if state.phase is Phase.REFUSED:
            self._step(Phase.CONNECTING, None, "trying the credentials again", now)
        self.state = replace(self.state, attempt=state.attempt + 1, next_try_at=None, at=now)

    def opened(self, now: float) -> None:
        """The session is open; pictures may follow."""
        self._open = True
        self._opened_at = now
        self.state = replace(self.state, at=now)

    def picture(self, now: float, verdicts: Callable[[], Verdicts]) -> None:
        """A good picture came at ``now``. While the stream is live, :meth:`tick` asks for verdicts often enough."""
        self.state = replace(self.state, at=now, last_picture_at=now)
        if self.state.phase is Phase.LIVE:
            return
        self._step(Phase.LIVE, *_fault_while_live(verdicts()), now)
        self.state = replace(self.state, attempt=0)
        self._last_fault = self._refused_since = None

    def ended(self, now: float, fault: Fault, detail: str, next_try_at: float) -> None:
        """The session ended, or could not be opened."""
        self._open = False
        self._last_fault = (fault, detail)
        phase = self.state.phase
        if phase is Phase.LIVE:
            self._step(Phase.STALE, fault, detail, now)
            phase = Phase.STALE
        if fault is Fault.REFUSED:
            self._step(Phase.REFUSED, fault, detail, now)
            # A second refusal after a retry is the same one: since when it lasts must not begin anew.
            self._refused_since = self._refused_since or now
            self.state = replace(self.state, since=self._refused_since)
        elif phase is Phase.CONNECTING:
            self._step(Phase.OFFLINE, fault, detail, now)
        else:
            self._tell(fault, detail, now)
        self.state = replace(self.state, next_try_at=next_try_at)

    def tick(self, now: float, since_packet_s: float, since_picture_s: float, verdicts: Verdicts) -> None:
        """Time passes. ``since_packet_s`` and ``since_picture_s`` count from the opening where none came yet."""
        self.state = replace(self.state, at=now)
        phase = self.state.phase
        if phase is Phase.LIVE and since_picture_s <= self._limits.stale_s:
            self._tell(*_fault_while_live(verdicts), now)
            return
        fault, detail = self._fault_without_pictures(now, since_packet_s, since_picture_s, verdicts)
        if phase is Phase.LIVE:
            self._step(Phase.STALE, fault, detail, now)
        elif self._lost(phase, since_packet_s, since_picture_s, fault):
            self._step(Phase.OFFLINE, fault, detail, now)
        elif phase in (Phase.STALE, Phase.OFFLINE) or (phase is Phase.CONNECTING and self._open and verdicts.packets):
            self._tell(fault, detail, now)

    def settings_changed(self, now: float) -> None:
        """The address or the credentials are new: what was found out about the old ones no longer holds."""
        if self.state.phase is Phase.OFFLINE:
            self._step(Phase.CONNECTING, None, "settings changed", now)

    def _lost(self, phase: Phase, since_packet_s: float, since_picture_s: float, fault: Fault | None) -> bool:
        if phase is Phase.STALE:
            return since_picture_s > self._limits.offline_s
        if phase is Phase.CONNECTING and self._open:
            # A session joined in the middle of a GOP has packets but no picture until the next key frame.
            none_decodes = fault in (Fault.LOSSY, Fault.GARBLED)
            return none_decodes or since_packet_s > self._limits.stale_s or since_picture_s > self._limits.offline_s
        return False

    def _fault_without_pictures(
        self, now: float, since_packet_s: float, since_picture_s: float, verdicts: Verdicts
    ) -> tuple[Fault | None, str]:
        if verdicts.stalled_here:
            return Fault.FROZEN, STALLED_HERE
        if Fault.FLAPPING in verdicts.findings:
            return Fault.FLAPPING, verdicts.findings[Fault.FLAPPING]
        if not self._open:
            return self._last_fault or (None, "no session is open")
        damage = next((fault for fault in (Fault.LOSSY, Fault.GARBLED) if fault in verdicts.findings), None)
        if since_packet_s > (self._limits.stale_s if damage is None else self._limits.damaged_s):
            return Fault.FROZEN, "session is open, no packets come"
        if not verdicts.packets:
            return self._last_fault or (self.state.fault, self.state.detail)
        if damage is not None:
            return damage, verdicts.findings[damage]
        if min(since_picture_s, now - self._opened_at) > self._limits.offline_s:
            # No GOP is so long: what comes are no pictures, though each packet alone looks like part of one.
            return Fault.GARBLED, "packets come, no picture can be made of them"
        return None, "packets come, waiting for a key frame"

    def _step(self, phase: Phase, fault: Fault | None, detail: str, now: float) -> None:
        if (self.state.phase, phase) not in LEGAL_STEPS:
            raise IllegalStep(f"{self.state.camera_id}/{self.state.stream}: {self.state.phase} to {phase}")
        self.state = replace(self.state, phase=phase, fault=fault, detail=detail, since=now, at=now, next_try_at=None)

    def _tell(self, fault: Fault | None, detail: str, now: float) -> None:
        self.state = replace(self.state, fault=fault, detail=detail, at=now)


def _fault_while_live(verdicts: Verdicts) -> tuple[Fault | None, str]:
    """A stream may be live and faulty: its pictures go on, with a badge."""
    for fault in PRECEDENCE:
        always_so = fault is Fault.STUCK and Fault.DARK in verdicts.findings
        if fault in verdicts.findings and not always_so:
            return fault, verdicts.findings[fault]
    return None, "pictures come"


def differs(old: StreamState, new: StreamState) -> bool:
    """Whether a page must be told: anything but the clocks changed."""
    return old is not new and _told(old) != _told(new)


def _told(state: StreamState) -> tuple[object, ...]:
    return state.phase, state.fault, state.since, state.attempt, state.detail, state.next_try_at
