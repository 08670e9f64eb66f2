"""What the walls keep in the database, on each kind of it: scenes, codes, the accounts of screens."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from alerts.storage.database import open_engine
from dashboard.accounts import AccountStore
from dashboard.scenes.scene import Scene
from dashboard.scenes.store import SceneExists, SceneStore, SceneUnknown
from dashboard.screens.enrolment import CODE_S, TRIES, Enrolment

NIGHT = Scene(
    id="1",
    name="夜巡",
    region="east",
    layout="4",
    tiles=("a", None, None, "b"),
    made_by="op",
    made_by_name="值班员",
    made_at=1.0,
)


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    opened = open_engine(database_url)
    yield opened
    opened.dispose()


def test_a_name_stands_once_in_a_region(engine: Engine) -> None:
    store = SceneStore(engine)
    store.migrate()
    store.add(NIGHT)
    with pytest.raises(SceneExists):
        store.add(NIGHT.model_copy(update={"id": "2"}))
    other = NIGHT.model_copy(update={"id": "2", "region": "west"})
    store.add(other)
    with pytest.raises(SceneExists):
        store.replace(other.model_copy(update={"region": "east"}))
    assert store.all() == (NIGHT, other)
    store.remove("1")
    with pytest.raises(SceneUnknown):
        store.get("1")
    with pytest.raises(SceneUnknown):
        store.replace(NIGHT)


def test_a_code_serves_once_for_its_screen_and_its_time(engine: Engine) -> None:
    now = 1000.0
    enrolment = Enrolment(engine, lambda: now)
    enrolment.migrate()
    code, expires_at = enrolment.make_code("hall")
    assert expires_at == now + CODE_S
    assert not enrolment.redeem("other", code)
    assert enrolment.redeem("hall", code)
    assert not enrolment.redeem("hall", code)
    code, _ = enrolment.make_code("hall")
    assert not any(enrolment.redeem("hall", "") for _ in range(TRIES))
    assert not enrolment.redeem("hall", code)
    code, _ = enrolment.make_code("hall")
    now += CODE_S
    assert not enrolment.redeem("hall", code)


def test_a_screens_account_has_no_password_and_is_let_in_until_revoked(engine: Engine) -> None:
    accounts = AccountStore(engine, time.time)
    accounts.migrate()
    hall = accounts.screen("hall", "大厅")
    assert (hall.screen, accounts.screen("hall", "大厅")) == ("hall", hall)
    assert accounts.authenticate(hall.username, "!") is None
    accounts.open_session(hall, "10.0.0.1")
    assert accounts.screens_let_in() == {"hall"}
    assert len(accounts.end_screen("hall")) == 1
    assert accounts.screens_let_in() == frozenset()
