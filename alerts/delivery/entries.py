"""Entries of the event stream as the historian reads them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from pydantic import ValidationError

from alerts.event import Event, SituationUpdate
from alerts.recording.evidence import Evidence
from alerts.records import AlarmChange
from alerts.situation_store import Correction

Entry = tuple[bytes, dict[bytes, bytes] | None]
"""An entry's id and its fields; None where it was cut from the stream after it was given to us."""


@dataclass(slots=True)
class Decoded:
    """Events, updates and clips with their stream ids, the number of changes by people, and what is none of them, with
    the reason."""

    events: list[tuple[str, Event]] = field(default_factory=list)
    updates: list[tuple[str, SituationUpdate]] = field(default_factory=list)
    evidence: list[tuple[str, Evidence]] = field(default_factory=list)
    alarms: int = 0
    dead: list[tuple[str, str]] = field(default_factory=list)

    def each(self) -> Iterator[Decoded]:
        """Every event, update and clip by itself, events first."""
        for event in self.events:
            yield Decoded(events=[event])
        for told in self.updates:
            yield Decoded(updates=[told])
        for clip in self.evidence:
            yield Decoded(evidence=[clip])

    @property
    def first_id(self) -> str:
        """The stream id of the first entry that is to be stored."""
        return [*self.events, *self.updates, *self.evidence][0][0]


def decode(entries: Iterable[Entry]) -> Decoded:
    """What the entries say. One that cannot be read never can, so it is not tried again."""
    found = Decoded()
    for entry_id, fields in entries:
        stream_id = entry_id.decode()
        if fields is None:
            # Given to us and since cut from the stream: whoever cut it lost it.
            found.dead.append((stream_id, "the entry was cut from the stream"))
            continue
        try:
            match fields.get(b"type"):
                case b"event":
                    found.events.append((stream_id, Event.model_validate_json(fields.get(b"data", b""))))
                case b"update":
                    found.updates.append((stream_id, SituationUpdate.model_validate_json(fields.get(b"data", b""))))
                case b"evidence":
                    found.evidence.append((stream_id, Evidence.model_validate_json(fields.get(b"data", b""))))
                # The dashboard stored these before it announced them.
                case b"alarm":
                    AlarmChange.model_validate_json(fields.get(b"data", b""))
                    found.alarms += 1
                case b"correction":
                    Correction.model_validate_json(fields.get(b"data", b""))
                    found.alarms += 1
                case other:
                    found.dead.append((stream_id, f"unknown type {other!r}"[:100]))
        except ValidationError as error:
            places = {".".join(map(str, fault["loc"])) or fault["type"] for fault in error.errors(include_input=False)}
            found.dead.append((stream_id, f"not readable: {', '.join(sorted(places))}"[:200]))
    return found


def arrived_at(stream_id: str) -> float:
    """When an entry came onto the stream, UTC epoch seconds by the server's clock."""
    return int(stream_id.partition("-")[0]) / 1000
