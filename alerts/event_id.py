"""Event ids: UUID version 7 (RFC 9562, section 5.7), made where the event is found, so that a replay carries the same.

An id begins with its time: sorting by id sorts by time, and an id tells its age.
"""

from __future__ import annotations

import secrets
import time
import uuid
from collections.abc import Callable


def new_event_id(clock: Callable[[], float] = time.time, random: Callable[[int], bytes] = secrets.token_bytes) -> str:
    """A UUIDv7 from 48 bits of ``clock`` (UTC epoch seconds, kept as milliseconds) and 74 random bits."""
    milliseconds = int(clock() * 1000) & (1 << 48) - 1
    noise = int.from_bytes(random(10), "big")
    value = milliseconds << 80 | 0x7 << 76 | (noise >> 62 & 0xFFF) << 64 | 0b10 << 62 | noise & (1 << 62) - 1
    return str(uuid.UUID(int=value))


def time_of(event_id: str) -> float:
    """UTC epoch seconds, in whole milliseconds, at which a UUIDv7 was made. Raises ``ValueError`` for anything else."""
    parsed = uuid.UUID(event_id)
    if parsed.version != 7:
        raise ValueError(f"event id {event_id!r}: want a UUID of version 7 (RFC 9562)")
    return (parsed.int >> 80) / 1000
