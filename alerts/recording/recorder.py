"""What of one stream is recorded: everything, what moves, what surrounds alarms. A tap on its live channel."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from alerts.recording.gop import Gop, GopAssembler
from configs.recording import RecordingMode
from ingest.packet import AccessUnit
from ingest.state import StreamState

SLACK_S = 2.0
"""The ring holds so much more than the pre-roll: an alarm is known some time after its moment."""
SILENT_S = 2.0
"""After so long without a picture what was put together so far goes to the disk."""

Submit = Callable[[Gop, str], bool]
"""Takes a GOP, and why there is nothing before it (empty: not known); ``False`` where it had to be dropped."""


class StreamRecorder:
    """Pictures come from the reader's thread, holds from others; ``submit`` takes GOPs in order and must not block.

    Where the mode is ``activity`` or ``events``, the last GOPs wait in memory until a hold asks for them: at most
    ``pre_roll_s`` and :data:`SLACK_S` seconds and one GOP.
    """

    def __init__(self, mode: RecordingMode, *, pre_roll_s: float, submit: Submit) -> None:
        self._mode = mode
        self._pre_roll_s = pre_roll_s
        self._submit = submit
        self._lock = threading.Lock()
        self._assembler = GopAssembler()
        self._ring: deque[Gop] = deque()
        self._hold_until = 0.0
        self._missing = "restart"
        self._shed_for = "policy"

    @property
    def mode(self) -> RecordingMode:
        """What is recorded now."""
        with self._lock:
            return self._mode

    @property
    def missing(self) -> str:
        """Why nothing is recorded at this moment, as far as that is so."""
        with self._lock:
            return self._missing

    @property
    def ring_bytes(self) -> int:
        """What waits in memory."""
        with self._lock:
            return sum(gop.size for gop in self._ring)

    def set_mode(self, mode: RecordingMode, because: str) -> None:
        """From now on this; ``because`` is what a gap is told to come from."""
        with self._lock:
            self._mode = mode
            self._shed_for = because
            if mode == "none":
                self._ring.clear()
            elif mode == "continuous":
                self._write_ring(float("-inf"))

    def on_unit(self, unit: AccessUnit, duration: int) -> None:
        """See :class:`ingest.live.Tap`."""
        with self._lock:
            gop = self._assembler.add(unit, duration)
            if gop is not None:
                self._take(gop)

    def on_state(self, state: StreamState) -> None:
        """See :class:`ingest.live.Tap`."""
        if state.fault is not None:
            with self._lock:
                self._missing = str(state.fault)

    def hold(self, begins_at: float, ends_at: float) -> None:
        """Record from ``begins_at``, as far back as the ring goes, until ``ends_at``, UTC epoch s, if the mode is
        ``activity`` or ``events``."""
        with self._lock:
            self._hold_until = max(self._hold_until, ends_at)
            self._write_ring(begins_at)

    def tick(self, now: float) -> None:
        """Called now and then; ``now`` is UTC epoch s. What a silent camera sent last goes to the disk."""
        with self._lock:
            last = self._assembler.last_arrived_at
            if last is not None and abs(now - last) > SILENT_S:
                self._flush()

    def flush(self) -> None:
        """The end: the GOP in the making is taken as it is."""
        with self._lock:
            self._flush()

    # With the lock held.

    def _flush(self) -> None:
        gop = self._assembler.flush()
        if gop is not None:
            self._take(gop)

    def _take(self, gop: Gop) -> None:
        if self._mode == "continuous" or (self._mode != "none" and gop.begins_at <= self._hold_until):
            self._write(gop)
            return
        if self._mode == "none":
            self._missing = self._shed_for
            return
        self._ring.append(gop)
        oldest = gop.begins_at - self._pre_roll_s - SLACK_S
        # A clock that was put back makes what is in the ring look newer than it is: that goes, too.
        while self._ring and not oldest <= self._ring[0].ends_at <= gop.ends_at:
            self._ring.popleft()
            self._missing = self._shed_for

    def _write_ring(self, begins_at: float) -> None:
        while self._ring:
            gop = self._ring.popleft()
            if gop.ends_at > begins_at:
                self._write(gop)
            else:
                self._missing = self._shed_for

    def _write(self, gop: Gop) -> None:
        if self._submit(gop, self._missing):
            self._missing = ""
        else:
            self._missing = "queue_full"
