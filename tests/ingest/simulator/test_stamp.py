"""A number burned into the picture is read back from what a client decodes, and tells when that was captured."""

from __future__ import annotations

import time
from fractions import Fraction
from itertools import islice
from pathlib import Path

import av
import numpy as np
import pytest

from ingest.simulator.background import SimulatorThread
from ingest.simulator.camera import SimCamera
from ingest.simulator.encode import Profile, Profiles
from ingest.simulator.source import SceneSource
from ingest.simulator.stamp import BITS, StampedSource, read, stamp


@pytest.mark.parametrize("number", [0, 1, 0b101010101010, 2**BITS - 1])
@pytest.mark.parametrize(("width", "height"), [(640, 360), (330, 186)])
def test_a_number_is_read_as_it_was_written(number: int, width: int, height: int) -> None:
    planes = np.full((height * 3 // 2, width), 90, np.uint8)
    stamp(planes, width, height, number)
    assert read(planes[:height]) == number


def test_a_picture_without_a_stamp_has_no_number() -> None:
    noise = np.random.default_rng(1).integers(0, 255, (360, 640)).astype(np.uint8)
    assert read(noise) is None
    assert read(np.zeros((360, 640), np.uint8)) is None


def test_a_client_knows_when_what_it_shows_was_captured(tmp_path: Path) -> None:
    profile = Profile(320, 180, Fraction(25, 2), 150_000)
    source = StampedSource(SceneSource(width=320, height=180, seconds=4))
    camera = SimCamera("A", source)
    with SimulatorThread([camera], tmp_path, profiles=Profiles(main=profile, sub=profile)) as simulator:
        with av.open(simulator.url("A", "sub"), options={"rtsp_transport": "tcp"}, timeout=60) as stream:
            decoded = islice(stream.decode(video=0), 30)
            pictures = [np.asarray(frame.to_ndarray(format="gray"), np.uint8) for frame in decoded]
        now = time.time()
        numbers = [read(picture) for picture in pictures]
        first = numbers[0]
        assert first is not None
        assert numbers == [(first + step) % 50 for step in range(30)]
        at = [simulator.captured_at("A", number, now) for number in numbers[-10:] if number is not None]
    assert np.allclose(np.diff(at), 0.08, atol=1e-3)
    assert 0 <= now - at[-1] < 2
