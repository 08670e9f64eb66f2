"""Accounts and sessions over a real database, with days that pass at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from alerts.storage.database import open_engine
from dashboard.access.login_guard import MAX_WAIT_S, LoginGuard
from dashboard.access.passwords import Passwords
from dashboard.accounts import AccountExists, AccountStore, AccountUnknown, lifetime, token_hash
from dashboard.policy import Role

PASSWORD = "a long password"


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def accounts(tmp_path: Path, clock: Clock) -> Any:
    from argon2 import PasswordHasher

    engine = open_engine(f"sqlite:///{tmp_path / 'a.db'}")
    store = AccountStore(engine, clock, Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)))
    store.migrate()
    assert store.migrate() == 0
    yield store
    engine.dispose()


def test_what_is_refused_says_why(accounts: AccountStore) -> None:
    accounts.add("ann", PASSWORD, Role.OPERATOR, ["*"])
    with pytest.raises(AccountExists, match="'ann' exists"):
        accounts.add("ann", PASSWORD, Role.OPERATOR, ["*"])
    with pytest.raises(ValueError, match="at least 10"):
        accounts.add("bob", "short", Role.OPERATOR, ["*"])
    with pytest.raises(ValueError, match="username"):
        accounts.add(" ", PASSWORD, Role.OPERATOR, ["*"])
    with pytest.raises(AccountUnknown, match="xueliang accounts list"):
        accounts.get("nobody")


def test_neither_passwords_nor_tokens_stand_in_the_database(accounts: AccountStore, tmp_path: Path) -> None:
    token = accounts.open_session(accounts.add("ann", PASSWORD, Role.OPERATOR, ["*"]), "::1")
    engine = open_engine(f"sqlite:///{tmp_path / 'a.db'}")
    with engine.connect() as db:
        rows = [
            str(row)
            for table in ("accounts", "sessions", "audit")
            for row in db.execute(text(f"SELECT * FROM {table}"))
        ]
    engine.dispose()
    assert not any(PASSWORD in row or token in row for row in rows)
    assert any("$argon2id$" in row for row in rows)


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.WALL_SCREEN])
def test_a_session_ends_when_idle_and_in_any_case(accounts: AccountStore, clock: Clock, role: Role) -> None:
    hashed = token_hash(accounts.open_session(accounts.add("ann", PASSWORD, role, ["*"]), "::1"))
    life = lifetime(role)
    clock.now += life.idle_s - 1
    assert accounts.session(hashed) is not None
    clock.now += life.idle_s + 1
    assert accounts.session(hashed) is None
    began = clock.now
    hashed = token_hash(accounts.open_session(accounts.get("ann"), "::1"))
    while clock.now - began < life.absolute_s - life.idle_s:
        clock.now += life.idle_s / 2
        assert accounts.session(hashed) is not None
    clock.now = began + life.absolute_s
    assert accounts.session(hashed) is None


def test_a_new_password_or_a_disabled_account_ends_sessions(accounts: AccountStore) -> None:
    account = accounts.add("ann", PASSWORD, Role.OPERATOR, ["*"])
    hashed = token_hash(accounts.open_session(account, "::1"))
    accounts.set_password("ann", "another password")
    assert accounts.session(hashed) is None
    assert accounts.authenticate("ann", PASSWORD) is None
    hashed = token_hash(accounts.open_session(account, "::1"))
    accounts.set_disabled("ann", disabled=True)
    assert accounts.session(hashed) is None
    assert accounts.authenticate("ann", "another password") is None
    accounts.set_disabled("ann", disabled=False)
    assert accounts.authenticate("ann", "another password") == account


def test_the_audit_log_is_newest_first_and_pages(accounts: AccountStore, clock: Clock) -> None:
    for number in range(3):
        clock.now += 1
        accounts.record("login", f"u{number}", "::1")
    newest = accounts.audit_log(limit=2)
    assert [entry.username for entry in newest] == ["u2", "u1"]
    assert [entry.username for entry in accounts.audit_log(before=newest[-1].at)] == ["u0"]


def test_guesses_wait_longer_each_time_and_a_success_forgives(clock: Clock) -> None:
    guard = LoginGuard(clock)
    waits = []
    for _ in range(14):
        clock.now += guard.wait_s("ann", "1.1.1.1")
        guard.charge("ann", "1.1.1.1")
        waits.append(guard.wait_s("ann", "1.1.1.1"))
    assert waits[:6] == [0, 0, 1, 2, 4, 8]
    assert max(waits) <= MAX_WAIT_S
    assert guard.wait_s("ann", "2.2.2.2") == 0
    assert guard.wait_s("ANN", "1.1.1.1") > 0
    guard.succeeded("ann", "1.1.1.1")
    assert guard.wait_s("ann", "1.1.1.1") == 0


def test_one_address_cannot_walk_through_the_accounts(clock: Clock) -> None:
    guard = LoginGuard(clock)
    for number in range(40):
        guard.charge(f"user{number}", "1.1.1.1")
    assert guard.wait_s("fresh", "1.1.1.1") > 0
    assert guard.wait_s("fresh", "2.2.2.2") == 0


@given(st.lists(st.tuples(st.sampled_from("ab"), st.booleans()), max_size=60))
def test_people_who_log_in_never_wait_for_their_address(tries: list[tuple[str, bool]]) -> None:
    guard = LoginGuard(Clock())
    for name, right in tries:
        guard.charge(name, "1.1.1.1")
        if right:
            guard.succeeded(name, "1.1.1.1")
            assert guard.wait_s(name, "1.1.1.1") == 0 or sum(not right for _, right in tries) >= 20
