"""What the dashboard asks of the event store. :class:`alerts.history.store.EventStore` is one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from alerts.history.records import EventRow


class EventHistory(Protocol):
    """Reads for a browser that was away. Synchronous, called from the thread pool."""

    def after_stream_id(self, stream_id: str, limit: int) -> Sequence[EventRow]:
        """Oldest first."""

    def purged_after(self, stream_id: str) -> int:
        """How many events after ``stream_id`` retention has removed."""
