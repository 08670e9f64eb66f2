"""Accounts, their sessions and the audit log, over SQLAlchemy Core. Synchronous: called from the thread pool.

A session's token is 256 random bits; the database holds its SHA-256 only, so that who reads the database cannot
log in. A session ends when it was idle too long, when its absolute life is over, at logout, at a change of password
and when its account is disabled.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, Row, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from alerts.storage.database import migrate, reading, writing
from dashboard.access import tables
from dashboard.access.passwords import Passwords
from dashboard.policy import Role

PART = "accounts"
_HOUR_S = 3600.0
_TOUCH_S = 60.0
_SCREEN = "screen:"
_CLOSED = "!"  # no hash: no password fits


@dataclass(frozen=True, slots=True)
class Lifetime:
    """Seconds. ``idle_s`` since the last request or open websocket, ``absolute_s`` since the login."""

    idle_s: float
    absolute_s: float


def lifetime(role: Role) -> Lifetime:
    """A person's session covers a shift; an unattended screen's goes on over long holidays, a year at most."""
    if role is Role.WALL_SCREEN:
        return Lifetime(idle_s=30 * 24 * _HOUR_S, absolute_s=365 * 24 * _HOUR_S)
    return Lifetime(idle_s=2 * _HOUR_S, absolute_s=14 * _HOUR_S)


@dataclass(frozen=True, slots=True)
class Account:
    """``regions``: ids whose subtrees the account covers; ``*`` is everywhere, none at all is nowhere."""

    id: str
    username: str
    display_name: str
    role: Role
    regions: tuple[str, ...]
    disabled: bool

    @property
    def screen(self) -> str | None:
        """The wall screen whose account this is; ``None`` for a person's."""
        of_screen = self.role is Role.WALL_SCREEN and self.username.startswith(_SCREEN)
        return self.username.removeprefix(_SCREEN) if of_screen else None


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Who did what, when, from where. ``target`` is an id, ``detail`` a sentence without secrets."""

    at: float
    action: str
    username: str
    address: str
    target: str
    detail: str


class AccountExists(ValueError):
    """The username is taken."""


class AccountUnknown(ValueError):
    """No account has this username."""


def token_hash(token: str) -> str:
    """What the database knows a session by."""
    return hashlib.sha256(token.encode()).hexdigest()


def _account(row: Row[Any]) -> Account:
    return Account(
        id=row.id,
        username=row.username,
        display_name=row.display_name,
        role=Role(row.role),
        regions=tuple(json.loads(row.regions)),
        disabled=row.disabled,
    )


class AccountStore:
    """Owns the three tables. ``engine`` comes from :func:`alerts.storage.database.open_engine`."""

    def __init__(self, engine: Engine, clock: Callable[[], float], passwords: Passwords | None = None) -> None:
        self._engine = engine
        self._clock = clock
        self._passwords = passwords or Passwords()

    def migrate(self) -> int:
        """Make or bring up to date the tables; every process calls it before anything else."""
        return migrate(self._engine, PART, tables.MIGRATIONS, self._clock)

    def add(
        self, username: str, password: str, role: Role, regions: Iterable[str], display_name: str | None = None
    ) -> Account:
        """Raises :class:`AccountExists`, and ``ValueError`` for a username or password that does not serve."""
        name = username.strip()
        if not name or len(name) > 64 or name.startswith(_SCREEN):
            raise ValueError(f"the username needs 1 to 64 characters and does not begin with {_SCREEN!r}")
        self._insert(name, self._passwords.hash(password), role, regions, display_name or name)
        return self.get(name)

    def get(self, username: str) -> Account:
        """Raises :class:`AccountUnknown`."""
        with reading(self._engine) as db:
            row = db.execute(select(tables.accounts).where(tables.accounts.c.username == username)).one_or_none()
        if row is None:
            raise AccountUnknown(f"no account is called {username!r}; list them with: xueliang accounts list")
        return _account(row)

    def screen(self, screen_id: str, display_name: str) -> Account:
        """The account of a wall screen, made at its first enrolment; no password logs in to it."""
        name = f"{_SCREEN}{screen_id}"
        try:
            return self.get(name)
        except AccountUnknown:
            self._insert(name, _CLOSED, Role.WALL_SCREEN, (), display_name)
            return self.get(name)

    def screens_let_in(self) -> frozenset[str]:
        """Screens for which a session is open, whether their browser is there or not."""
        with reading(self._engine) as db:
            hashes = db.execute(
                select(tables.sessions.c.token_hash)
                .join(tables.accounts, tables.accounts.c.id == tables.sessions.c.account_id)
                .where(tables.accounts.c.username.startswith(_SCREEN))
            ).scalars()
            found = self._alive(db, list(hashes))
        return frozenset(account.screen for account, _ in found.values() if account.screen is not None)

    def end_screen(self, screen_id: str) -> tuple[str, ...]:
        """Ends every session of a screen; their hashes."""
        account_id = select(tables.accounts.c.id).where(tables.accounts.c.username == f"{_SCREEN}{screen_id}")
        theirs = tables.sessions.c.account_id == account_id.scalar_subquery()
        with writing(self._engine) as db:
            hashes = tuple(db.execute(select(tables.sessions.c.token_hash).where(theirs)).scalars())
            db.execute(delete(tables.sessions).where(theirs))
        return hashes

    def _insert(self, name: str, password_hash: str, role: Role, regions: Iterable[str], display_name: str) -> None:
        values = {
            "id": str(uuid.uuid4()),
            "username": name,
            "display_name": display_name[:64],
            "role": role.value,
            "regions": json.dumps(list(regions)),
            "password_hash": password_hash,
            "disabled": False,
            "created_at": self._clock(),
        }
        try:
            with writing(self._engine) as db:
                db.execute(insert(tables.accounts).values(values))
        except IntegrityError as error:
            raise AccountExists(f"an account {name!r} exists already; change it with passwd or disable") from error

    def all(self) -> tuple[Account, ...]:
        """By username."""
        with reading(self._engine) as db:
            rows = db.execute(select(tables.accounts).order_by(tables.accounts.c.username)).all()
        return tuple(_account(row) for row in rows)

    def set_password(self, username: str, password: str) -> None:
        """Ends the account's sessions too. Raises as :meth:`add` and :meth:`get` do."""
        account = self.get(username)
        hashed = self._passwords.hash(password)
        with writing(self._engine) as db:
            db.execute(update(tables.accounts).where(tables.accounts.c.id == account.id).values(password_hash=hashed))
            db.execute(delete(tables.sessions).where(tables.sessions.c.account_id == account.id))

    def set_disabled(self, username: str, *, disabled: bool) -> None:
        """A disabled account keeps its history and loses its sessions."""
        account = self.get(username)
        with writing(self._engine) as db:
            db.execute(update(tables.accounts).where(tables.accounts.c.id == account.id).values(disabled=disabled))
            db.execute(delete(tables.sessions).where(tables.sessions.c.account_id == account.id))

    def authenticate(self, username: str, password: str) -> Account | None:
        """The account, or ``None``: unknown, disabled and wrong password look alike, in time too."""
        with reading(self._engine) as db:
            row = db.execute(select(tables.accounts).where(tables.accounts.c.username == username)).one_or_none()
        matches = self._passwords.verify(None if row is None else row.password_hash, password)
        return _account(row) if row is not None and matches and not row.disabled else None

    def open_session(self, account: Account, address: str) -> str:
        """The token for the cookie; only its hash is kept. Sessions that have ended are cleared on the way."""
        token = secrets.token_urlsafe(32)
        now = self._clock()
        oldest = now - max(lifetime(role).absolute_s for role in Role)
        with writing(self._engine) as db:
            db.execute(delete(tables.sessions).where(tables.sessions.c.created_at < oldest))
            db.execute(
                insert(tables.sessions).values(
                    token_hash=token_hash(token), account_id=account.id, created_at=now, seen_at=now, address=address
                )
            )
        return token

    def session(self, hashed: str) -> Account | None:
        """The account of a live session, which counts as seen; ``None`` when it has ended."""
        return self.live_sessions([hashed]).get(hashed)

    def live_sessions(self, hashes: Iterable[str]) -> dict[str, Account]:
        """Those of ``hashes`` whose session lives; each counts as seen."""
        with reading(self._engine) as db:
            found = self._alive(db, list(hashes))
        now = self._clock()
        stale = [hashed for hashed, (_, seen_at) in found.items() if now - seen_at > _TOUCH_S]
        if stale:
            with writing(self._engine) as db:
                db.execute(update(tables.sessions).where(tables.sessions.c.token_hash.in_(stale)).values(seen_at=now))
        return {hashed: account for hashed, (account, _) in found.items()}

    def _alive(self, db: Connection, hashes: list[str]) -> dict[str, tuple[Account, float]]:
        """Of those that live: the account, and when it was last seen."""
        now = self._clock()
        statement = (
            select(
                tables.sessions.c.token_hash, tables.sessions.c.created_at, tables.sessions.c.seen_at, tables.accounts
            )
            .join(tables.accounts, tables.accounts.c.id == tables.sessions.c.account_id)
            .where(tables.sessions.c.token_hash.in_(hashes), tables.accounts.c.disabled.is_(False))
        )
        alive: dict[str, tuple[Account, float]] = {}
        for row in db.execute(statement):
            account = _account(row)
            life = lifetime(account.role)
            if now - row[1] < life.absolute_s and now - row.seen_at < life.idle_s:
                alive[row.token_hash] = account, row.seen_at
        return alive

    def close_session(self, hashed: str) -> None:
        with writing(self._engine) as db:
            db.execute(delete(tables.sessions).where(tables.sessions.c.token_hash == hashed))

    def record(self, action: str, username: str, address: str, target: str = "", detail: str = "") -> None:
        """One line of the audit log."""
        with writing(self._engine) as db:
            db.execute(
                insert(tables.audit).values(
                    at=self._clock(),
                    action=action,
                    username=username[:64],
                    address=address[:64],
                    target=target[:128],
                    detail=detail[:500],
                )
            )

    def audit_log(self, limit: int = 100, before: float | None = None) -> tuple[AuditEntry, ...]:
        """Newest first."""
        statement = select(tables.audit).order_by(tables.audit.c.at.desc(), tables.audit.c.id.desc()).limit(limit)
        if before is not None:
            statement = statement.where(tables.audit.c.at < before)
        with reading(self._engine) as db:
            rows = db.execute(statement).all()
        return tuple(AuditEntry(row.at, row.action, row.username, row.address, row.target, row.detail) for row in rows)
