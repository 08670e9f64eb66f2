"""An alarm returns to normal when its situation has ended, and every wall is told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from redis import Redis

from alerts.alarms.life import Do
from alerts.alarms.store import AlarmStore
from alerts.bus import EVENTS_KEY
from alerts.event import Event, SituationUpdate
from alerts.historian import Historian
from alerts.records import AlarmChange
from alerts.store import EventStore
from configs.schema import Retention


def test_an_alarm_follows_what_the_stream_tells_of_its_situation(
    redis_client: Redis, store: EventStore, make_event: Callable[..., Event], tmp_path: Path
) -> None:
    event = make_event()
    began = event.detected_at
    historian = Historian(
        redis_client, store, consumer="h1", evidence=tmp_path, retention=Retention(), clock=lambda: 1.0, block_ms=20
    )

    def tell(kind: str, told: Any) -> None:
        redis_client.xadd(EVENTS_KEY, {"type": kind, "data": told.model_dump_json()})

    def situation(at: float, ended_at: float | None) -> SituationUpdate:
        phase = "update" if ended_at is None else "end"
        values = {"event_id": event.id, "phase": phase, "measured": 1, "peak": 1, "hits": 0}
        end = None if ended_at is None else began + ended_at
        return SituationUpdate.model_validate(values | {"at": began + at, "ended_at": end})

    historian.begin()
    tell("event", event)
    for update in (situation(10.0, None), situation(20.0, 19.0)):
        tell("update", update)
    while historian.step():
        pass
    assert store.get(event.id).returned_at == began + 19.0
    tell("update", situation(10.0, None))  # again: older than what is known
    tell("update", situation(25.0, None))  # the end is taken back
    tell("update", situation(40.0, 39.0))
    while historian.step():
        pass
    assert store.get(event.id).returned_at == began + 39.0
    assert {step.command for step in AlarmStore(store.engine).steps(event.id)} >= {Do.RETURN}
    entries = cast("list[tuple[bytes, dict[bytes, bytes]]]", redis_client.xrange(EVENTS_KEY))
    announced = [
        AlarmChange.model_validate_json(fields[b"data"]) for _, fields in entries if fields[b"type"] == b"alarm"
    ]
    assert announced[0].standing is not None
    assert (announced[0].command, announced[0].standing.returned_at) == (Do.RETURN, began + 19.0)
