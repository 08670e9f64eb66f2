"""The clip of an event, as other processes hear of it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field
from redis import Redis

from alerts.bus import EVENTS_KEY
from alerts.event import Plain

PAST = "retention"
"""Why a clip is missing that was there."""


class Evidence(Plain):
    """The clip of event ``event_id``, or why there is none.

    ``path`` is relative to the evidence folder, ``sha256`` that of the whole file, ``bytes`` its size; ``begins_at``
    and ``ends_at``: of its pictures, UTC epoch s. Without a clip ``missing`` says why: a cause of a gap in the
    recording, ``disk_full`` among them, or ``unknown``, or :data:`PAST`.
    """

    v: Literal[1] = 1
    event_id: str = Field(max_length=36)
    camera_id: str = Field(max_length=64)
    path: str | None = None
    sha256: str | None = Field(default=None, max_length=64)
    begins_at: float | None = None
    ends_at: float | None = None
    bytes: int = 0
    missing: str | None = Field(default=None, max_length=64)


def publish(client: Redis, evidence: Evidence) -> None:
    """Append it to the event stream, as an entry of type ``evidence``. Raises ``redis.RedisError``."""
    client.xadd(EVENTS_KEY, {"type": "evidence", "data": evidence.model_dump_json()})
