"""RTP packets of H.264 (RFC 3550, RFC 6184) and RTCP sender reports, framed for RTSP's TCP connection.

A frame's packets are laid out once, ready to be written; a viewer's copy differs from them only in channel, sequence
number, timestamp and SSRC, which are patched in.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from ingest.simulator.rtsp.sdp import PAYLOAD_TYPE

CLOCK_RATE: Final = 90_000
MAX_PAYLOAD: Final = 1400
NTP_EPOCH: Final = 2_208_988_800  # seconds from 1900 (NTP) to 1970 (Unix), RFC 5905

_FU_A: Final = 28
_NON_IDR: Final = 1
_IDR: Final = 5
_PATCH: Final = struct.Struct(">HII")
_HEADER: Final = 4 + 12  # RTSP's "$", channel and length, then RTP's fixed header

# A permutation without fixed points: what passes through it is still bytes, and no longer a slice.
_GARBLE: Final = bytes((value * 167 + 89) % 256 for value in range(256))


@dataclass(frozen=True, slots=True)
class PacketTrain:
    """The packets of one access unit, each behind its interleaving header; ``offsets`` is where each begins."""

    data: bytes
    offsets: tuple[int, ...]

    def patched(self, *, channel: int, sequence: int, timestamp: int, ssrc: int) -> bytearray:
        """A copy for one viewer. ``sequence`` is the first packet's; all numbers wrap by themselves."""
        copy = bytearray(self.data)
        timestamp &= 0xFFFFFFFF
        for number, offset in enumerate(self.offsets, sequence):
            copy[offset + 1] = channel
            _PATCH.pack_into(copy, offset + 6, number & 0xFFFF, timestamp, ssrc)
        return copy

    def garbled(self) -> PacketTrain:
        """The same packets with every slice unreadable; headers and parameter sets stay, so packets still flow."""
        parts = []
        for start, end in zip(self.offsets, (*self.offsets[1:], len(self.data)), strict=True):
            first = start + _HEADER
            kind = self.data[first] & 31
            kept = first + 2 if kind == _FU_A else first + 1
            slice_kind = self.data[first + 1] & 31 if kind == _FU_A else kind
            if slice_kind in (_NON_IDR, _IDR):
                parts += [self.data[start:kept], self.data[kept:end].translate(_GARBLE)]
            else:
                parts.append(self.data[start:end])
        return PacketTrain(b"".join(parts), self.offsets)


def packetize(units: Sequence[bytes], max_payload: int = MAX_PAYLOAD) -> PacketTrain:
    """One access unit's NAL units (without start codes) as single NAL unit packets and FU-A (RFC 6184, 5.6 and 5.8).

    The marker is set on the last packet. Payloads are at most ``max_payload`` bytes, at least 3.
    """
    payloads = [payload for unit in units for payload in _payloads(unit, max_payload)]
    parts, offsets, position = [], [], 0
    for number, payload in enumerate(payloads, 1):
        marker = 0x80 if number == len(payloads) else 0
        parts.append(struct.pack(">cBHBBHII", b"$", 0, 12 + len(payload), 0x80, marker | PAYLOAD_TYPE, 0, 0, 0))
        parts.append(payload)
        offsets.append(position)
        position += _HEADER + len(payload)
    return PacketTrain(b"".join(parts), tuple(offsets))


def _payloads(unit: bytes, max_payload: int) -> Iterator[bytes]:
    if len(unit) <= max_payload:
        yield unit
        return
    indicator, kind = unit[0] & 0xE0 | _FU_A, unit[0] & 31
    step = max_payload - 2
    for start in range(1, len(unit), step):
        first, last = start == 1, start + step >= len(unit)
        yield bytes((indicator, first << 7 | last << 6 | kind)) + unit[start : start + step]


def sender_report(
    *, channel: int, ssrc: int, wall: float, timestamp: int, packets: int, octets: int, cname: str
) -> bytes:
    """A compound of sender report and CNAME (RFC 3550, 6.4.1 and 6.5.1), interleaved on ``channel``.

    ``wall`` is UTC epoch seconds of the instant whose RTP time is ``timestamp``.
    """
    seconds = int(wall)
    fraction = min(int((wall - seconds) * 2**32), 2**32 - 1)
    report = struct.pack(
        ">BBHIIIIII",
        0x80,
        200,
        6,
        ssrc,
        (seconds + NTP_EPOCH) & 0xFFFFFFFF,
        fraction,
        timestamp & 0xFFFFFFFF,
        packets & 0xFFFFFFFF,
        octets & 0xFFFFFFFF,
    )
    name = cname.encode()[:255]
    chunk = struct.pack(">IBB", ssrc, 1, len(name)) + name
    chunk += bytes(4 - len(chunk) % 4)  # at least one zero ends the items
    description = struct.pack(">BBH", 0x81, 202, len(chunk) // 4) + chunk
    compound = report + description
    return struct.pack(">cBH", b"$", channel, len(compound)) + compound
