"""What fewer workers left behind arrives, and each camera's findings lie with the worker that holds it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest
from redis import Redis

from alerts.bus import EVENTS_KEY, SUPPRESSED_KEY, EventBus
from alerts.delivery.handover import hand_over
from alerts.delivery.publisher import Publisher
from alerts.delivery.spool import Spool
from alerts.event import Candidate

MakeCandidate = Callable[..., Candidate]


def spooled(folder: Path, candidates: list[Candidate], stored: tuple[Candidate, ...] = ()) -> None:
    """As a worker that was killed left it."""
    spool = Spool(folder)
    assert len(spool.keep(candidates)) == len(candidates)
    spool.stored(each.event.id for each in stored)
    spool.close()


def waiting(folder: Path) -> list[tuple[str, bool]]:
    spool = Spool(folder)
    found = [(kept.candidate.event.id, kept.stored) for kept in spool.read(spool.unsettled())]
    spool.close()
    return found


def test_what_waits_goes_to_who_holds_its_camera_now(tmp_path: Path, make_candidate: MakeCandidate) -> None:
    one, two, three, gone = (make_candidate(camera_id=name) for name in ("c1", "c2", "c3", "gone"))
    own = make_candidate(camera_id="c1")
    spooled(tmp_path / "worker-1", [own])
    spooled(tmp_path / "worker-2", [two])
    spooled(tmp_path / "worker-3", [three, one, gone], stored=(one,))
    spooled(tmp_path / "other", [make_candidate(camera_id="c2")])
    home = {"c1": "worker-1", "c2": "worker-1", "c3": "worker-2"}
    assert hand_over(tmp_path, home, ["worker-1", "worker-2"]) == 4
    assert waiting(tmp_path / "worker-1") == [
        (own.event.id, False),
        (two.event.id, False),
        (one.event.id, True),
        (gone.event.id, False),
    ]
    assert waiting(tmp_path / "worker-2") == [(three.event.id, False)]
    assert list((tmp_path / "worker-3").iterdir()) == [], "nobody will open it again"
    assert len(waiting(tmp_path / "other")) == 1, "not a worker's"
    assert hand_over(tmp_path, home, ["worker-1", "worker-2"]) == 0


def test_a_disk_that_is_full_loses_nothing(
    tmp_path: Path, make_candidate: MakeCandidate, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = make_candidate(camera_id="c1")
    spooled(tmp_path / "worker-2", [left])

    def keep(*_: object) -> frozenset[str]:
        return frozenset()

    with monkeypatch.context() as full:
        full.setattr(Spool, "keep", keep)
        assert hand_over(tmp_path, {"c1": "worker-1"}, ["worker-1"]) == 0
    assert waiting(tmp_path / "worker-2") == [(left.event.id, False)]
    assert hand_over(tmp_path, {"c1": "worker-1"}, ["worker-1"]) == 1
    assert waiting(tmp_path / "worker-1") == [(left.event.id, False)]


def test_a_kill_in_between_sends_twice_and_stores_once(
    tmp_path: Path, redis_client: Redis, make_candidate: MakeCandidate
) -> None:
    event, hit = make_candidate("k", camera_id="c1"), make_candidate("k", camera_id="c1")
    spooled(tmp_path / "worker-2", [event, hit])
    spooled(tmp_path / "worker-1", [event])  # it had come so far
    assert hand_over(tmp_path, {"c1": "worker-1"}, ["worker-1"]) == 2
    spool = Spool(tmp_path / "worker-1")
    publisher = Publisher(EventBus(redis_client), spool=spool, cameras=["c1"])
    thread = threading.Thread(target=publisher.run)
    thread.start()
    pause = threading.Event()
    for _ in range(2000):
        if publisher.counters()["replayed"] >= 2:
            break
        pause.wait(0.005)
    publisher.stop(flush_s=0)
    thread.join(60)
    spool.close()
    entries = cast("list[tuple[bytes, dict[bytes, bytes]]]", redis_client.xrange(EVENTS_KEY))
    types = [fields[b"type"] for _, fields in entries]
    assert types.count(b"event") == 1
    assert redis_client.hget(SUPPRESSED_KEY, event.event.id) == b"1"
