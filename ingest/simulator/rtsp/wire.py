"""The way of a session's packets: over its RTSP connection or over UDP, with losses and reordering if so wished."""

from __future__ import annotations

import random
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from ingest.simulator.playout import Wire

SEND_BUFFER: Final = 1 << 20
_TRIES: Final = 50


@dataclass(frozen=True, slots=True)
class Impairment:
    """Shares of the RTP packets that are lost, and that come after their successor, each in [0, 1]."""

    loss: float = 0.0
    reorder: float = 0.0


@dataclass(slots=True)
class WireCounts:
    """RTP packets that were lost or held back on purpose, and those that this machine's socket did not take."""

    lost: int = 0
    reordered: int = 0
    refused: int = 0


class ImpairedWire:
    """Passes framed packets on, some of them lost or late; control packets always and at once."""

    def __init__(
        self,
        wire: Wire,
        impairment: Callable[[], Impairment],
        counts: WireCounts,
        rtcp_channel: int,
        uniform: Callable[[], float] = random.random,
    ) -> None:
        self._wire = wire
        self._impairment = impairment
        self._counts = counts
        self._rtcp = rtcp_channel
        self._uniform = uniform
        self._late: bytes | None = None

    def write(self, data: bytes | bytearray, /) -> None:
        """See :class:`ingest.simulator.playout.Wire`."""
        impairment = self._impairment()
        if not impairment.loss and not impairment.reorder and self._late is None:
            self._wire.write(data)
            return
        for frame in frames_of(data):
            if frame[1] != self._rtcp:
                self._pass(frame, impairment)
            else:
                self._wire.write(frame)

    def get_write_buffer_size(self) -> int:
        """See :class:`ingest.simulator.playout.Wire`."""
        return self._wire.get_write_buffer_size()

    def _pass(self, frame: bytes, impairment: Impairment) -> None:
        if self._uniform() < impairment.loss:
            self._counts.lost += 1
            return
        if self._late is None and self._uniform() < impairment.reorder:
            self._counts.reordered += 1
            self._late = frame
            return
        self._wire.write(frame)
        if self._late is not None:
            self._wire.write(self._late)
            self._late = None


def frames_of(data: bytes | bytearray) -> Iterator[bytes]:
    """Interleaved frames (RFC 2326, 10.12), headers included."""
    position = 0
    while position < len(data):
        end = position + 4 + int.from_bytes(data[position + 2 : position + 4], "big")
        yield bytes(data[position:end])
        position = end


class DatagramWire:
    """Two UDP sockets, RTP's and RTCP's (RFC 3550, 11), to one client. What the kernel does not take is lost, counted.

    Raises ``OSError`` where no two neighbouring ports are free.
    """

    def __init__(self, host: str, client: str, ports: tuple[int, int], rtcp_channel: int, counts: WireCounts) -> None:
        self._client = client
        self._ports = ports
        self._rtcp_channel = rtcp_channel
        self._counts = counts
        self._rtp, self._rtcp = _port_pair(host)

    @property
    def ports(self) -> tuple[int, int]:
        """Our ports of RTP and RTCP."""
        return self._rtp.getsockname()[1], self._rtcp.getsockname()[1]

    def write(self, data: bytes | bytearray, /) -> None:
        """Each frame as a datagram, its header left away."""
        for frame in frames_of(data):
            control = frame[1] == self._rtcp_channel
            sender, port = (self._rtcp, self._ports[1]) if control else (self._rtp, self._ports[0])
            try:
                sender.sendto(frame[4:], (self._client, port))
            except OSError:  # full, or the client's port is closed: UDP tells nobody
                self._counts.refused += 1

    def get_write_buffer_size(self) -> int:
        """Nothing waits here."""
        return 0

    def close(self) -> None:
        """Give the ports back."""
        self._rtp.close()
        self._rtcp.close()


def _port_pair(host: str) -> tuple[socket.socket, socket.socket]:
    """An even port and the next one, non-blocking."""
    for _ in range(_TRIES):
        first = _bound(host, 0)
        port = first.getsockname()[1]
        try:
            other = _bound(host, port + 1 if port % 2 == 0 else port - 1)
        except OSError:
            first.close()
            continue
        return (first, other) if port % 2 == 0 else (other, first)
    raise OSError(f"{host}: no two neighbouring UDP ports are free")


def _bound(host: str, port: int) -> socket.socket:
    bound = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        bound.setblocking(False)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        bound.bind((host, port))
    except OSError:
        bound.close()
        raise
    return bound
