"""Newest wins: one slot a camera between its reader and the detection stage, and nothing lost uncounted."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping

from ingest.fair_share import FairShare, Share
from ingest.frame import Frame
from ingest.ledger import DropCause, FrameLedger


class Mailboxes:
    """One slot for each of the given cameras, shared by the readers and the detection threads.

    A frame must be booked as received in the ledger before it is put. A frame that replaces another one counts the
    older as ``superseded``; frames that wait at :meth:`close`, or come after it, count as ``shutdown``. Whoever takes
    a frame closes it in the ledger, as analysed or dropped. ``shares``: what was promised; others have the usual one.
    """

    def __init__(
        self,
        camera_ids: Iterable[str],
        ledger: FrameLedger,
        *,
        shares: Mapping[str, Share] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ledger = ledger
        self._monotonic = monotonic
        self._shares = {camera_id: Share() for camera_id in camera_ids} | dict(shares or {})
        self._turns = FairShare(self._shares)
        self._slots: dict[str, Frame] = {}
        self._changed = threading.Condition()
        self._closed = False

    @property
    def closed(self) -> bool:
        """Whether :meth:`close` was called; then :meth:`take_next` gives ``None`` at once."""
        with self._changed:
            return self._closed

    def promise(self, camera_id: str, share: Share) -> None:
        """From now on so much for this camera, a new one or not. All begin their turns anew."""
        with self._changed:
            self._shares = {**self._shares, camera_id: share}
            self._turns = FairShare(self._shares)

    def put(self, frame: Frame) -> None:
        """Offers the newest frame of its camera; never blocks. Raises ``KeyError`` for an unknown camera."""
        if frame.camera_id not in self._turns:
            raise KeyError(frame.camera_id)
        with self._changed:
            lost: Frame | None = frame
            cause = DropCause.SHUTDOWN
            if not self._closed:
                lost, cause = self._slots.get(frame.camera_id), DropCause.SUPERSEDED
                self._slots[frame.camera_id] = frame
                self._changed.notify_all()
        if lost is not None:
            self._ledger.dropped(lost.camera_id, cause)

    def take_next(self, busy: Collection[str], timeout: float) -> Frame | None:
        """The waiting frame of the camera not in ``busy`` whose turn it is: see :class:`ingest.fair_share.FairShare`.

        Blocks up to ``timeout`` seconds; ``None`` when no such frame came, or after :meth:`close`.
        """
        deadline = self._monotonic() + timeout
        with self._changed:
            while not self._closed:
                ready = [camera_id for camera_id in self._slots if camera_id not in busy]
                if ready:
                    return self._slots.pop(self._turns.choose(ready, self._monotonic()))
                left = deadline - self._monotonic()
                if left <= 0 or not self._changed.wait(left):
                    return None
            return None

    def take_some(self, busy: Collection[str], most: int, timeout: float) -> list[Frame]:
        """As :meth:`take_next`, and with it what else waits, in turn, up to ``most`` frames, each of another camera."""
        with self._changed:
            first = self.take_next(busy, timeout)
            if first is None:
                return []
            frames = [first]
            ready = {camera_id for camera_id in self._slots if camera_id not in busy}
            while ready and len(frames) < most:
                chosen = self._turns.choose(ready, self._monotonic())
                ready.discard(chosen)
                frames.append(self._slots.pop(chosen))
            return frames

    def raise_rank(self, camera_id: str) -> None:
        """For some seconds the camera comes before others of its priority."""
        with self._changed:
            self._turns.raise_rank(camera_id, self._monotonic())

    def rank(self, camera_id: str) -> int:
        """Who comes first now: the greater."""
        with self._changed:
            return self._turns.rank(camera_id, self._monotonic())

    def notify(self) -> None:
        """Wakes whoever waits in :meth:`take_next`: a ``busy`` camera has become free."""
        with self._changed:
            self._changed.notify_all()

    def waiting(self) -> int:
        """How many frames wait."""
        with self._changed:
            return len(self._slots)

    def close(self) -> None:
        """Ends the exchange; idempotent. Waiting frames count as ``shutdown``."""
        with self._changed:
            self._closed = True
            left, self._slots = self._slots, {}
            self._changed.notify_all()
        for camera_id in left:
            self._ledger.dropped(camera_id, DropCause.SHUTDOWN)
