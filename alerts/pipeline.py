"""All the rules of one camera: what its frames and its stream's state come to."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from alerts.event import Candidate, Event
from alerts.rules.base import CountingRule, Finding, Ongoing, StateRule, TrackRule
from alerts.rules.registry import build
from configs.places import Line, Zone
from configs.schedule import Calendar
from configs.schema import Camera
from detect.detection import Tracks
from ingest.state import StreamState


class CameraRules:
    """Runs a camera's rules over its tracks and states; fed by one thread at a time.

    ``new_id`` gives event ids (:func:`alerts.event_id.new_event_id`); ``clock`` is UTC epoch seconds;
    ``calendar`` is that of the camera's site. Raises
    ``ValueError`` where a rule names a zone or line that the camera does not have.
    """

    def __init__(
        self,
        camera: Camera,
        *,
        region_id: str,
        calendar: Calendar,
        model_id: str | None,
        new_id: Callable[[], str],
        clock: Callable[[], float],
    ) -> None:
        self._camera = camera
        self._region_id = region_id
        self._model_id = model_id
        self._new_id = new_id
        self._clock = clock
        self._running: list[tuple[str, TrackRule]] = []
        self._state_rules: list[tuple[str, StateRule]] = []
        self._places: dict[str, Zone | Line] = {}
        self._shared = {rule.id: rule.shared for rule in camera.rules}
        for rule in camera.rules:
            running = build(rule, camera, calendar)
            if isinstance(running, StateRule):
                self._state_rules.append((rule.id, running))
            else:
                self._running.append((rule.id, running))
                self._places[rule.id] = running.place

    def observe(self, tracks: Tracks) -> list[Candidate]:
        """What one analysed frame completed. Frames come in order; each is of this camera."""
        if tracks.camera_id != self._camera.id:
            raise ValueError(f"tracks of camera {tracks.camera_id} given to the rules of {self._camera.id}")
        return self._candidates((f for _, rule in self._running for f in rule.observe(tracks)), self._model_id)

    def observe_state(self, state: StreamState, now: float) -> list[Candidate]:
        """What the state of the always-open stream completes at ``now``: call at each change and once a second."""
        return self._candidates((f for _, rule in self._state_rules for f in rule.observe_state(state, now)), None)

    @property
    def alarmed(self) -> frozenset[int]:
        """Ids of the tracks in alarm on the last observed frame, for the overlay."""
        return frozenset().union(*(rule.alarmed for _, rule in self._running))

    @property
    def ongoing(self) -> dict[str, Ongoing]:
        """The happenings that were found and last, of frames and of states, by the dedup key of their candidates."""
        return {**self.ongoing_tracks, **self.ongoing_states}

    @property
    def ongoing_tracks(self) -> dict[str, Ongoing]:
        """Those of frames, as of the last one."""
        return {self._key(rule_id, one.key): one for rule_id, rule in self._running for one in rule.ongoing}

    @property
    def ongoing_states(self) -> dict[str, Ongoing]:
        """Those of states, as of the last one."""
        return {self._key(rule_id, one.key): one for rule_id, rule in self._state_rules for one in rule.ongoing}

    @property
    def numbers_inside(self) -> dict[str, int]:
        """How many objects each counting rule that watches now has in its zone, as of the last frame, by rule."""
        return {
            rule_id: number
            for rule_id, rule in self._running
            if isinstance(rule, CountingRule) and (number := rule.number_inside) is not None
        }

    @property
    def pending(self) -> bool:
        """Whether some rule waits for what comes next."""
        return any(rule.pending for _, rule in self._running)

    def place(self, event: Event) -> Zone | Line | None:
        """The zone or line that the event is about, for its snapshot."""
        return self._places.get(event.rule_id)

    def _candidates(self, findings: Iterable[Finding], model_id: str | None) -> list[Candidate]:
        return [self._candidate(finding, model_id) for finding in findings]

    def _candidate(self, finding: Finding, model_id: str | None) -> Candidate:
        rule = finding.rule
        event = Event(
            id=self._new_id(),
            kind=rule.kind,
            severity=rule.severity,
            camera_id=self._camera.id,
            site_id=self._camera.site,
            region_id=self._region_id,
            rule_id=rule.id,
            rule_name=rule.name,
            place_id=finding.place.id if finding.place else None,
            place_name=finding.place.name if finding.place else None,
            occurred_at=finding.occurred_at,
            detected_at=self._clock(),
            measured=finding.measured,
            limit=finding.limit,
            unit=finding.unit,
            lasted_s=finding.lasted_s,
            lasted_limit_s=finding.lasted_limit_s,
            direction=finding.direction,
            fault=finding.fault,
            model_id=model_id,
            objects=finding.objects,
        )
        return Candidate(event=event, dedup_key=self._key(rule.id, finding.key), window_s=rule.rearm_s)

    def _key(self, rule_id: str, key: tuple[str, ...]) -> str:
        shared = self._shared.get(rule_id)
        if shared is not None:
            # No camera's id begins so: the neighbours meet here, and nobody else.
            return ":".join(("@" + self._camera.site, shared, *key))
        # Neither track nor time is part of the key: a restarted worker or a broken track must find the same window.
        return ":".join((self._camera.id, rule_id, *key))
