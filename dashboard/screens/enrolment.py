"""Lets a screen's browser in: a leader makes a code at the desk, the screen's page types it once.

A code is eight digits, lives ten minutes, serves once and is void after five wrong ones: who guesses has five chances
in a hundred million. Kept in a table of its own; only the code's hash is stored.
"""

from __future__ import annotations

import hmac
import secrets
import time
from collections.abc import Callable
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Engine,
    Float,
    Integer,
    MetaData,
    String,
    Table,
    delete,
    insert,
    select,
    update,
)

from alerts.storage.database import Migration, migrate, writing
from dashboard.accounts import token_hash

PART = "screens"
CODE_S = 600.0
TRIES = 5

_metadata = MetaData()
_codes = Table(
    "screen_codes",
    _metadata,
    Column("screen", String(40), primary_key=True),
    Column("code_hash", String(64), nullable=False),
    Column("expires_at", Float(53), nullable=False),
    Column("tries", Integer, nullable=False),
)


def _first(connection: Connection) -> None:
    # Version 1 is the table above. Whoever changes it adds a migration and spells out here what version 1 was.
    _metadata.create_all(connection)


MIGRATIONS: tuple[Migration, ...] = (_first,)


class Enrolment:
    """``engine`` as the :class:`dashboard.accounts.AccountStore` has it. ``clock``: UTC epoch s."""

    def __init__(self, engine: Engine, clock: Callable[[], float] = time.time) -> None:
        self._engine = engine
        self._clock = clock

    def migrate(self) -> int:
        """Make or bring up to date the table; every process calls it before anything else. Returns migrations run."""
        return migrate(self._engine, PART, MIGRATIONS, self._clock)

    def make_code(self, screen_id: str) -> tuple[str, float]:
        """A new code and when it expires, UTC epoch s; an earlier one is void."""
        code = f"{secrets.randbelow(10**8):08d}"
        expires_at = self._clock() + CODE_S
        values: dict[str, Any] = {"code_hash": _hash(screen_id, code), "expires_at": expires_at, "tries": 0}
        with writing(self._engine) as connection:
            connection.execute(delete(_codes).where(_codes.c.screen == screen_id))
            connection.execute(insert(_codes).values(screen=screen_id, **values))
        return code, expires_at

    def redeem(self, screen_id: str, code: str) -> bool:
        """Whether the code is the screen's; a right one is used up, a wrong one counts against it."""
        with writing(self._engine) as connection:
            row = connection.execute(select(_codes).where(_codes.c.screen == screen_id).with_for_update()).one_or_none()
            if row is None:
                return False
            right = hmac.compare_digest(row.code_hash, _hash(screen_id, code))
            over = row.expires_at <= self._clock()
            if right or over or row.tries + 1 >= TRIES:
                connection.execute(delete(_codes).where(_codes.c.screen == screen_id))
            else:
                connection.execute(update(_codes).where(_codes.c.screen == screen_id).values(tries=row.tries + 1))
        return right and not over


def _hash(screen_id: str, code: str) -> str:
    return token_hash(f"{screen_id}:{code}")
