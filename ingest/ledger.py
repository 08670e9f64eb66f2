"""Where every frame went: received = analysed + dropped by cause + in flight, exactly, per camera."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class DropCause(StrEnum):
    """Why a received frame was not analysed."""

    GATED = "gated"  # nothing moved, so it was not decoded
    SHED = "shed"  # this machine could not keep up, and others came first
    RATE = "rate"
    SUPERSEDED = "superseded"
    UNDECODABLE = "undecodable"
    DETECTOR_ERROR = "detector_error"
    SESSION_ENDED = "session_ended"
    SHUTDOWN = "shutdown"


@dataclass(frozen=True, slots=True)
class Account:
    """One camera's frames at one moment. ``in_flight``: received, neither analysed nor dropped yet."""

    received: int
    analysed: int
    dropped: Mapping[DropCause, int]
    in_flight: int


class _Counts:
    """One camera's. Its own lock: with one for all, sixty readers queued up behind each other's turns at the GIL."""

    __slots__ = ("analysed", "dropped", "lock", "received")

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.received = 0
        self.analysed = 0
        self.dropped: dict[DropCause, int] = {}

    @property
    def in_flight(self) -> int:
        return self.received - self.analysed - sum(self.dropped.values())


class FrameLedger:
    """Thread-safe accounts of the given cameras.

    A frame is booked as received once, and closed once: as analysed or as dropped. Closing more frames than were
    received raises ``ValueError``, since then some frame was counted twice; an unknown camera raises ``KeyError``.
    """

    def __init__(self, camera_ids: Iterable[str]) -> None:
        self._accounts = {camera_id: _Counts() for camera_id in camera_ids}

    def add(self, camera_id: str) -> None:
        """From now on this camera, too. One that was there before counts on; none is taken away, since frames of it
        may still be on their way."""
        if camera_id not in self._accounts:
            self._accounts = {**self._accounts, camera_id: _Counts()}  # who goes through them sees one state

    def received(self, camera_id: str, frames: int = 1) -> None:
        """``frames`` arrived from the camera's analysed stream."""
        account = self._accounts[camera_id]
        with account.lock:
            account.received += frames

    def analysed(self, camera_id: str, frames: int = 1) -> None:
        """``frames`` went through the detector."""
        account = self._accounts[camera_id]
        with account.lock:
            self._require_in_flight(camera_id, account, frames)
            account.analysed += frames

    def dropped(self, camera_id: str, cause: DropCause, frames: int = 1) -> None:
        """``frames`` were given up for ``cause``."""
        account = self._accounts[camera_id]
        with account.lock:
            self._require_in_flight(camera_id, account, frames)
            account.dropped[cause] = account.dropped.get(cause, 0) + frames

    def snapshot(self) -> dict[str, Account]:
        """All accounts, each at one moment; the invariant holds in each."""
        return {camera_id: self.account(camera_id) for camera_id in self._accounts}

    def account(self, camera_id: str) -> Account:
        """One camera's account."""
        counts = self._accounts[camera_id]
        with counts.lock:
            dropped = MappingProxyType(dict(counts.dropped))
            return Account(counts.received, counts.analysed, dropped, counts.in_flight)

    @staticmethod
    def _require_in_flight(camera_id: str, account: _Counts, frames: int) -> None:
        if frames > account.in_flight:
            raise ValueError(f"camera {camera_id}: {frames} frames closed, {account.in_flight} in flight")
