"""How far the event stream may be cut: always behind the historian, and not so far that browsers miss anything.

Of what the historian has stored, the stream keeps the newest ``KEEP_ENTRIES``, or those of the last ``KEEP_S`` where
that is fewer. A reader whose cursor is older takes what it missed from the store.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from redis import Redis, ResponseError

GROUP = "historian"
KEEP_S = 86400.0
KEEP_ENTRIES = 100_000


def trim(client: Redis, stream: str, group: str, now: float) -> int:
    """Cut the stream at ``now`` (UTC epoch seconds); returns how many entries went."""
    ours = _group(client, stream, group)
    pending = cast("Mapping[str, Any]", client.xpending(stream, group))
    oldest_needed = _text(pending["min"] if pending["pending"] else ours["last-delivered-id"])
    too_old = f"{max(0, int((now - KEEP_S) * 1000))}-0"
    removed = client.xtrim(stream, minid=min(too_old, oldest_needed, key=_order), approximate=True)
    lag = ours.get("lag")
    if pending["pending"] == 0 and lag is not None:
        # Entries that arrive between the two commands are newer than all that is counted here, so twice the lag is
        # more than the historian has yet to read.
        removed += client.xtrim(stream, maxlen=max(KEEP_ENTRIES, 2 * lag), approximate=True)
    return removed


def delivered_up_to(client: Redis, stream: str, group: str) -> str:
    """The last entry that the group has given to any consumer."""
    return _text(_group(client, stream, group)["last-delivered-id"])


def stored_up_to(client: Redis, stream: str, group: str) -> tuple[int, int]:
    """The last entry, as milliseconds and sequence, up to which the group has acknowledged every one. (0, 0) where
    there is no group yet."""
    try:
        delivered = _order(_text(_group(client, stream, group)["last-delivered-id"]))
        pending = cast("Mapping[str, Any]", client.xpending(stream, group))
    except ResponseError:
        return 0, 0
    if not pending["pending"]:
        return delivered
    milliseconds, sequence = _order(_text(pending["min"]))
    return min(delivered, (milliseconds, sequence - 1))


def _group(client: Redis, stream: str, group: str) -> Mapping[str, Any]:
    groups = cast("list[Mapping[str, Any]]", client.xinfo_groups(stream))
    for found in groups:
        if _text(found["name"]) == group:
            return found
    raise ResponseError(f"NOGROUP {stream} has no group {group}")


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _order(stream_id: str) -> tuple[int, int]:
    milliseconds, _, sequence = stream_id.partition("-")
    return int(milliseconds), int(sequence or 0)
