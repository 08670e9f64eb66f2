"""Encoded pictures at given times, and an archive in a folder of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from alerts.recording.archive import Archive
from ingest.packet import AccessUnit
from tests.ingest.encoding import encode

At = Callable[..., list[AccessUnit]]


@pytest.fixture(scope="session")
def pictures() -> At:
    """``pictures(count, at=…, dts=…)``: as :func:`tests.ingest.encoding.encode`, captured from ``at`` on."""
    cache: dict[tuple[int, int, int], list[AccessUnit]] = {}

    def at(count: int, *, at: float = 1000.0, dts: int = 0, width: int = 320, gop: int = 10) -> list[AccessUnit]:
        key = (count, width, gop)
        if key not in cache:
            cache[key] = encode(count, gop=gop, width=width)
        shift = at - 1000.0
        return [
            replace(
                unit,
                dts=unit.dts + dts,
                pts=unit.pts + dts,
                captured_at=unit.captured_at + shift,
                arrived_at=unit.arrived_at + shift,
            )
            for unit in cache[key]
        ]

    return at


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    """An empty one."""
    return Archive(tmp_path / "recordings")
