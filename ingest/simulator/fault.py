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


SUPPORTED: Final = frozenset(
    {
        SimFault.NONE,
        SimFault.FROZEN,
        SimFault.UNREACHABLE,
        SimFault.REFUSED,
        SimFault.GARBLED,
        SimFault.FLAPPING,
    }
)


class UnsupportedFaultError(ValueError):
    """A fault that this simulator cannot make, or no fault at all."""


def parse_fault(name: str) -> SimFault:
    """The fault of that name. Raises :class:`UnsupportedFaultError` that names those there are."""
    known = ", ".join(fault for fault in SimFault if fault in SUPPORTED)
    try:
        fault = SimFault(name)
    except ValueError:
        raise UnsupportedFaultError(f"fault {name!r} is unknown; there are {known}") from None
    if fault not in SUPPORTED:
        raise UnsupportedFaultError(f"fault {name!r} cannot be simulated yet; there are {known}")
    return fault
