"""A decoder behind its packet gate, on real H.264: a noisy calm, then something that moves, then calm."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import inf
from pathlib import Path

import av
import numpy as np
import pytest

from benchmarks.replay import units
from ingest.frame import Frame
from ingest.gating.gate import GateLimits, GateState, PacketGate
from ingest.ledger import DropCause, FrameLedger
from ingest.packet import AccessUnit
from ingest.rtsp.decoding import FrameDecoder
from ingest.rtsp.gated import GatedDecoder

FPS, GOP, WIDTH, HEIGHT = 10, 20, 320, 180
SETTLED = 200  # frames after which the encoder's rate control has found its level, as a camera's has long since
SHARP = GateLimits(notice_s=inf)  # a picture of a few hundred bytes is all noise
MOVES = range(390, 430)  # 390 stands in the middle of a GOP


@pytest.fixture(scope="module")
def footage(tmp_path_factory: pytest.TempPathFactory) -> list[AccessUnit]:
    file = tmp_path_factory.mktemp("gated") / "calm.mp4"
    random = np.random.default_rng(1)
    walker = np.kron(random.integers(20, 220, (12, 8, 3), np.uint8), np.ones((5, 5, 1), np.uint8))
    with av.open(str(file), "w") as container:
        stream = container.add_stream("libx264", rate=FPS)
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = WIDTH, HEIGHT, "yuv420p", 50_000
        stream.options = {"g": str(GOP), "keyint_min": str(GOP), "sc_threshold": "0", "bf": "0", "preset": "superfast"}
        for index in range(530):
            picture = np.clip(random.normal(110, 2, (HEIGHT, WIDTH, 3)), 0, 255).astype(np.uint8)
            if index in MOVES:
                left = 20 + 6 * (index - MOVES.start)
                picture[70:130, left : left + 40] = np.roll(walker, 7 * index, axis=0)  # arms and legs
            frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
            frame.pts, frame.time_base = index, Fraction(1, FPS)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return list(units(Path(file), 1))[SETTLED:]


class Analysis:
    """Takes every frame at once; ``matters`` by whether the box is on it."""

    def __init__(self, gate: PacketGate | None) -> None:
        self.ledger = FrameLedger(["C"])
        self.frames: dict[int, Frame] = {}
        self._gate = gate
        frames = FrameDecoder("C", "main", fps=30, ledger=self.ledger, target=self)
        self.decoder = GatedDecoder("C", frames, gate, self.ledger)

    def put(self, frame: Frame) -> None:
        index = round(frame.pts_s * FPS)
        self.frames[index] = frame
        self.ledger.analysed("C")
        if self._gate is not None:
            self._gate.found(frame.pts_s, matters=index in MOVES)

    def run(self, pictures: Sequence[AccessUnit]) -> Analysis:
        for unit in pictures:
            self.decoder.decode(unit)
        return self


def test_calm_rests_and_what_moves_is_decoded_whole_from_the_middle_of_a_gop(footage: list[AccessUnit]) -> None:
    gate = PacketGate(SHARP)
    gated, full = Analysis(gate).run(footage), Analysis(None).run(footage)

    seen = [index for index in gated.frames if index in MOVES]
    assert min(seen) - MOVES.start <= FPS // 2
    assert seen == list(range(min(seen), MOVES.stop))
    assert gate.counts().opened >= 1
    # Entered in mid-GOP, the pictures are those of a decoder that never rested, to the bit.
    for index in seen:
        ours, theirs = (run.frames[index].picture.bgr(WIDTH, HEIGHT) for run in (gated, full))
        assert np.array_equal(ours, theirs)

    account = gated.ledger.account("C")
    assert account.received == len(footage)
    assert account.in_flight == 0
    assert account.dropped[DropCause.GATED] > len(footage) / 4
    assert gate.state is GateState.SHUT


def test_a_session_that_ends_while_the_gate_is_open_begins_again_at_a_key_frame(footage: list[AccessUnit]) -> None:
    gate = PacketGate(SHARP)
    analysis = Analysis(gate).run(footage[: 415 - SETTLED])
    assert gate.state is GateState.OPEN
    analysis.decoder.end_session(DropCause.SESSION_ENDED)
    before = len(analysis.frames)
    analysis.run(footage[416 - SETTLED : 420 - SETTLED])
    assert len(analysis.frames) == before
    analysis.run(footage[420 - SETTLED : 425 - SETTLED])
    assert [index for index in analysis.frames if index >= 416] == list(range(420, 425))
    account = analysis.ledger.account("C")
    assert account.received == account.analysed + sum(account.dropped.values())


def test_a_key_frame_that_comes_soon_is_waited_for(footage: list[AccessUnit]) -> None:
    gate = PacketGate(SHARP)
    analysis = Analysis(gate).run(footage[: 357 - SETTLED])
    assert gate.state is GateState.SHUT
    before = set(analysis.frames)
    gate.watch(True)  # everything is wanted from now on, three pictures before the GOP's end
    analysis.run(footage[357 - SETTLED : 365 - SETTLED])
    assert sorted(set(analysis.frames) - before) == list(range(360, 365))
    account = analysis.ledger.account("C")
    assert account.received == account.analysed + sum(account.dropped.values())
