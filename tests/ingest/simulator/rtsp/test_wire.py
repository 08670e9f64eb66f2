from __future__ import annotations

import random
import socket
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.simulator.rtsp.rtp import packetize, sender_report
from ingest.simulator.rtsp.wire import DatagramWire, ImpairedWire, Impairment, WireCounts, frames_of


class _Recorder:
    def __init__(self) -> None:
        self.frames: list[bytes] = []

    def write(self, data: bytes | bytearray, /) -> None:
        self.frames += frames_of(data)

    def get_write_buffer_size(self) -> int:
        return 0


def _train(size: int, sequence: int) -> bytearray:
    return packetize([b"\x65" + bytes(size)], 50).patched(channel=0, sequence=sequence, timestamp=1, ssrc=2)


def _report() -> bytes:
    return sender_report(channel=1, ssrc=2, wall=1.0, timestamp=1, packets=1, octets=1, cname="c")


@given(st.floats(0, 0.5), st.floats(0, 0.5), st.integers(0, 99))
def test_every_packet_arrives_or_is_counted_as_lost_and_reports_always_arrive(
    loss: float, reorder: float, seed: int
) -> None:
    recorder, counts = _Recorder(), WireCounts()
    now = Impairment(loss, reorder)
    wire = ImpairedWire(recorder, lambda: now, counts, 1, random.Random(seed).random)
    sent = []
    for number in range(20):
        data = _report() + _train(300, 10 * number)
        sent += list(frames_of(data))
        wire.write(data)
    now = Impairment()
    last = _train(10, 900)
    sent += list(frames_of(last))
    wire.write(last)
    assert len(recorder.frames) + counts.lost == len(sent)
    assert set(recorder.frames) <= set(sent)
    assert [frame for frame in recorder.frames if frame[1] == 1] == [frame for frame in sent if frame[1] == 1]
    if not loss:
        assert sorted(recorder.frames) == sorted(sent)
    if not reorder:
        order = [sent.index(frame) for frame in recorder.frames if frame[1] == 0]
        assert order == sorted(order)


@pytest.fixture
def client() -> Iterator[tuple[socket.socket, socket.socket]]:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as rtp,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as rtcp,
    ):
        for one in (rtp, rtcp):
            one.bind(("127.0.0.1", 0))
            one.settimeout(5)
        yield rtp, rtcp


def test_datagrams_come_from_the_announced_ports(client: tuple[socket.socket, socket.socket]) -> None:
    rtp, rtcp = client
    counts = WireCounts()
    wire = DatagramWire("127.0.0.1", "127.0.0.1", (rtp.getsockname()[1], rtcp.getsockname()[1]), 1, counts)
    data, report = _train(90, 7), _report()
    wire.write(report + bytes(data))
    for frame in frames_of(data):
        assert rtp.recvfrom(2000) == (frame[4:], ("127.0.0.1", wire.ports[0]))
    assert rtcp.recvfrom(2000) == (report[4:], ("127.0.0.1", wire.ports[1]))
    assert wire.ports[0] % 2 == 0
    assert wire.ports[1] == wire.ports[0] + 1
    wire.close()
    wire.write(data)
    assert counts.refused == 2
