"""Revisions of the settings: the newest is found again, and of two that were made of the same one, one is refused."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from itertools import count

import pytest

from alerts.storage.database import open_engine
from alerts.storage.revisions import Outdated, RevisionNote, RevisionStore, UnknownRevision


@pytest.fixture
def revisions(database_url: str) -> Iterator[RevisionStore]:
    engine = open_engine(database_url)
    seconds = count(1000)
    store = RevisionStore(engine, clock=lambda: float(next(seconds)))
    store.migrate()
    assert store.migrate() == 0
    yield store
    engine.dispose()


def test_a_revision_is_kept_with_who_and_why_and_the_newest_is_the_last(revisions: RevisionStore) -> None:
    assert (revisions.newest_number(), revisions.last()) == (0, None)
    first = revisions.add(0, {"title": "县"}, by="-", by_name="-", why="county.yaml", kind="import")
    second = revisions.add(1, {"title": "市"}, by="a1", by_name="工程师", why="新名称")
    assert second == RevisionNote(2, 1, second.at, "a1", "工程师", "change", "新名称")
    newest, brought = revisions.last(), revisions.last("import")
    assert newest is not None
    assert brought is not None
    assert (newest.note, newest.tree) == (second, {"title": "市"})
    assert (brought.note, brought.tree) == (first, {"title": "县"})
    assert revisions.get(1).tree == {"title": "县"}
    assert [note.number for note in revisions.notes()] == [2, 1]
    assert [note.number for note in revisions.notes(1, before=2)] == [1]
    with pytest.raises(UnknownRevision):
        revisions.get(3)


def test_of_two_made_of_the_same_revision_one_is_refused(revisions: RevisionStore) -> None:
    revisions.add(0, {}, by="-", by_name="-", why="", kind="import")
    made: list[RevisionNote] = []
    refused: list[int] = []
    together = threading.Barrier(4)

    def change(name: str) -> None:
        together.wait(60)
        try:
            made.append(revisions.add(1, {"by": name}, by=name, by_name=name, why=""))
        except Outdated as error:
            refused.append(error.newest)

    threads = [threading.Thread(target=change, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert [note.number for note in made] == [2]
    assert refused == [2, 2, 2]
    assert revisions.get(2).tree == {"by": made[0].by}
