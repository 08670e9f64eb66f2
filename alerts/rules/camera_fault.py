"""画面异常: the camera's stream is not as it should be, in one of the words of :class:`ingest.state.Fault`."""

from __future__ import annotations

from dataclasses import dataclass

from alerts.rules.base import Finding, Ongoing
from configs.rules import CameraFaultRule
from ingest.state import StreamState


@dataclass(slots=True)
class _Held:
    """A fault since ``since``, last told ``at``, UTC epoch s."""

    since: float
    at: float
    reported: bool = False


class CameraFault:
    """One finding a fault, once the stream had it for ``after_s``; it is over, and the rule armed again, when the
    stream was without it for more than ``clear_s``. Each word is a happening of its own.
    """

    def __init__(self, rule: CameraFaultRule) -> None:
        self._rule = rule
        self._held: dict[str, _Held] = {}

    @property
    def ongoing(self) -> tuple[Ongoing, ...]:
        return tuple(
            Ongoing((fault,), round(held.at - held.since, 3), frozenset())
            for fault, held in self._held.items()
            if held.reported
        )

    def observe_state(self, state: StreamState, now: float) -> list[Finding]:
        self._held = {
            fault: held for fault, held in self._held.items() if 0 <= now - held.at <= max(self._rule.clear_s, 0.0)
        }
        fault = None if state.fault is None else state.fault.value
        if fault is None or fault not in self._rule.faults:
            return []
        held = self._held.setdefault(fault, _Held(min(state.since, now), now))
        held.at = now
        if held.reported or now - held.since < self._rule.after_s:
            return []
        held.reported = True
        return [
            Finding(
                rule=self._rule,
                occurred_at=held.since,
                measured=round(now - held.since, 3),
                limit=self._rule.after_s,
                unit="s",
                fault=fault,
                key=(fault,),
            )
        ]
