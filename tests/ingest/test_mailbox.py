"""The mailbox keeps the newest frame of each camera, is fair, and loses nothing uncounted."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.frame import Frame
from ingest.ledger import DropCause, FrameLedger
from ingest.mailbox import Mailboxes
from ingest.pictures import ArrayPicture

_PICTURE = ArrayPicture(np.zeros((2, 2, 3), np.uint8))


def _frame(camera_id: str, sequence: int = 0) -> Frame:
    return Frame(camera_id, "sub", sequence, sequence / 5, 1000.0 + sequence, "arrival", _PICTURE)


def _put(boxes: Mailboxes, ledger: FrameLedger, camera_id: str, sequence: int = 0) -> None:
    ledger.received(camera_id)
    boxes.put(_frame(camera_id, sequence))


def test_the_newest_frame_wins_and_the_older_is_counted() -> None:
    ledger = FrameLedger(["a"])
    boxes = Mailboxes(["a"], ledger)
    for sequence in range(4):
        _put(boxes, ledger, "a", sequence)
    frame = boxes.take_next((), 0.0)
    assert frame is not None
    assert frame.sequence == 3
    assert ledger.account("a").dropped == {DropCause.SUPERSEDED: 3}
    assert ledger.account("a").in_flight == 1


def test_busy_cameras_are_left_alone() -> None:
    ledger = FrameLedger("ab")
    boxes = Mailboxes("ab", ledger)
    _put(boxes, ledger, "a")
    assert boxes.take_next({"a"}, 0.0) is None
    _put(boxes, ledger, "b")
    frame = boxes.take_next({"a"}, 0.0)
    assert frame is not None
    assert frame.camera_id == "b"


def test_some_are_those_that_waited_in_the_order_of_turns() -> None:
    def filled() -> tuple[Mailboxes, FrameLedger]:
        ledger = FrameLedger("abcde")
        boxes = Mailboxes("abcde", ledger, monotonic=lambda: 100.0)
        for camera_id in "abcde":
            _put(boxes, ledger, camera_id)
        return boxes, ledger

    one_by_one, _ = filled()
    turns = [frame.camera_id for _ in range(4) if (frame := one_by_one.take_next("b", 0.0)) is not None]
    boxes, ledger = filled()
    taken = boxes.take_some("b", 3, 0.0)
    assert [frame.camera_id for frame in taken] == turns[:3]
    assert [frame.camera_id for frame in boxes.take_some("b", 3, 0.0)] == turns[3:]
    assert boxes.take_some("b", 3, 0.0) == []
    assert boxes.waiting() == 1
    assert sum(ledger.account(camera_id).in_flight for camera_id in "abcde") == 5
    boxes.close()
    assert boxes.take_some((), 3, 10.0) == []


@given(st.lists(st.sampled_from("abcd"), min_size=1, max_size=60))
def test_a_camera_that_waits_is_served_within_one_round(puts: list[str]) -> None:
    ledger = FrameLedger("abcd")
    boxes = Mailboxes("abcd", ledger)
    for camera_id in "abcd":
        _put(boxes, ledger, camera_id)
    served: list[str] = []
    for camera_id in puts:
        _put(boxes, ledger, camera_id)
        frame = boxes.take_next((), 0.0)
        assert frame is not None
        served.append(frame.camera_id)
    assert set(served[:4]) == set("abcd"[: len(served)]) or len(set(served[:4])) == min(4, len(served))


def test_close_wakes_who_waits_and_counts_what_waited() -> None:
    ledger = FrameLedger("ab")
    boxes = Mailboxes("ab", ledger)
    _put(boxes, ledger, "a")
    got: list[Frame | None] = []
    waiter = threading.Thread(target=lambda: got.append(boxes.take_next({"a"}, 30.0)))
    waiter.start()
    boxes.close()
    waiter.join(60)
    assert got == [None]
    _put(boxes, ledger, "b")
    assert boxes.take_next((), 5.0) is None
    assert [ledger.account(camera).dropped for camera in "ab"] == [{DropCause.SHUTDOWN: 1}] * 2


def test_a_camera_nobody_knows_is_an_error() -> None:
    ledger = FrameLedger("a")
    with pytest.raises(KeyError):
        Mailboxes("a", ledger).put(_frame("b"))


def test_nothing_is_lost_under_threads() -> None:
    cameras = [f"c{n}" for n in range(4)]
    ledger = FrameLedger(cameras)
    boxes = Mailboxes(cameras, ledger)
    violations: list[str] = []

    def produce(camera_id: str) -> None:
        for sequence in range(400):
            _put(boxes, ledger, camera_id, sequence)

    def consume() -> None:
        while not boxes.closed:
            frame = boxes.take_next((), 0.1)
            if frame is not None:
                ledger.analysed(frame.camera_id)
            violations.extend(camera for camera, account in ledger.snapshot().items() if account.in_flight < 0)

    consumers = [threading.Thread(target=consume) for _ in range(3)]
    producers = [threading.Thread(target=produce, args=(camera,)) for camera in cameras]
    for thread in consumers + producers:
        thread.start()
    for thread in producers:
        thread.join()
    boxes.close()
    for thread in consumers:
        thread.join()
    for account in ledger.snapshot().values():
        assert account.received == 400 == account.analysed + sum(account.dropped.values())
        assert account.in_flight == 0
    assert not violations
