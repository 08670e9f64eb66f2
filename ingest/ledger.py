"""Where every frame went: received = analysed + dropped by cause + in flight, exactly, per camera."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
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


@dataclass(slots=True)
class _Counts:
    received: int = 0
    analysed: int = 0
    dropped: dict[DropCause, int] = field(default_factory=dict)

    @property
    def in_flight(self) -> int:
        return self.received - self.analysed - sum(self.dropped.values())


class FrameLedger:
    """Thread-safe accounts of the given cameras.

    A frame is booked as received once, and closed once: as analysed or as dropped. Closing more frames than were
    received raises ``ValueError``, since then some frame was counted twice; an unknown camera raises ``KeyError``.
    """

    def __init__(self, camera_ids: Iterable[str]) -> None:
        self._lock = threading.Lock()
        self._accounts = {camera_id: _Counts() for camera_id in camera_ids}

    def received(self, camera_id: str, frames: int = 1) -> None:
        """``frames`` arrived from the camera's analysed stream."""
        with self._lock:
            self._accounts[camera_id].received += frames

    def analysed(self, camera_id: str, frames: int = 1) -> None:
        """``frames`` went through the detector."""
        with self._lock:
            account = self._accounts[camera_id]
            self._require_in_flight(camera_id, account, frames)
            account.analysed += frames

    def dropped(self, camera_id: str, cause: DropCause, frames: int = 1) -> None:
        """``frames`` were given up for ``cause``."""
        with self._lock:
            account = self._accounts[camera_id]
            self._require_in_flight(camera_id, account, frames)
            account.dropped[cause] = account.dropped.get(cause, 0) + frames

    def snapshot(self) -> dict[str, Account]:
        """All accounts at one moment; the invariant holds in each."""
        with self._lock:
            return {camera_id: self._account(counts) for camera_id, counts in self._accounts.items()}

    def account(self, camera_id: str) -> Account:
        """One camera's account."""
        with self._lock:
            return self._account(self._accounts[camera_id])

    @staticmethod
    def _account(counts: _Counts) -> Account:
        dropped = MappingProxyType(dict(counts.dropped))
        return Account(counts.received, counts.analysed, dropped, counts.in_flight)

    @staticmethod
    def _require_in_flight(camera_id: str, account: _Counts, frames: int) -> None:
        if frames > account.in_flight:
            raise ValueError(f"camera {camera_id}: {frames} frames closed, {account.in_flight} in flight")
