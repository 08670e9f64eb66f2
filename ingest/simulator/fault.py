"""What can be wrong with a simulated camera: nothing, or one of the product's twelve faults."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from ingest.state import Fault


class SimFault(StrEnum):
    """``none`` and the words of :class:`ingest.state.Fault`."""

    NONE = "none"
    FROZEN = Fault.FROZEN.value
    STUCK = Fault.STUCK.value
    DARK = Fault.DARK.value
    MOVED = Fault.MOVED.value
    REFUSED = Fault.REFUSED.value
    UNREACHABLE = Fault.UNREACHABLE.value
    LOSSY = Fault.LOSSY.value
    GARBLED = Fault.GARBLED.value
    SLOW = Fault.SLOW.value
    JUMPING = Fault.JUMPING.value
    RESIZED = Fault.RESIZED.value
    FLAPPING = Fault.FLAPPING.value


PICTURED: Final = frozenset({SimFault.STUCK, SimFault.DARK, SimFault.MOVED, SimFault.SLOW, SimFault.RESIZED})
"""Faults that need other pictures than the camera's own."""


class UnsupportedFaultError(ValueError):
    """No fault of that name."""


def parse_fault(name: str) -> SimFault:
    """The fault of that name. Raises :class:`UnsupportedFaultError` that names those there are."""
    try:
        return SimFault(name)
    except ValueError:
        raise UnsupportedFaultError(f"fault {name!r} is unknown; there are {', '.join(SimFault)}") from None
