"""RTP packets of H.264 and H.265 (RFC 3550, RFC 6184, RFC 7798) and RTCP sender reports, framed for RTSP over TCP.

A frame's packets are laid out once, ready to be written; a viewer's copy differs from them only in channel, sequence
number, timestamp and SSRC, which are patched in.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from ingest import h265
from ingest.nal import CodecName
from ingest.simulator.rtsp.sdp import PAYLOAD_TYPE

CLOCK_RATE: Final = 90_000
MAX_PAYLOAD: Final = 1400
NTP_EPOCH: Final = 2_208_988_800  # seconds from 1900 (NTP) to 1970 (Unix), RFC 5905

_FU_A: Final = 28
_AP_265: Final = 48
_FU_265: Final = 49
_SLICES_264: Final = frozenset({1, 5})
_PATCH: Final = struct.Struct(">HII")
_HEADER: Final = 4 + 12  # RTSP's "$", channel and length, then RTP's fixed header

# A permutation without fixed points: what passes through it is still bytes, and no longer a slice.
_GARBLE: Final = bytes((value * 167 + 89) % 256 for value in range(256))


@dataclass(frozen=True, slots=True)
class PacketTrain:
    """The packets of one access unit, each behind its interleaving header; ``offsets`` is where each begins."""

    data: bytes
    offsets: tuple[int, ...]
    codec: CodecName = "h264"

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
            kept = start + _HEADER + self._kept(self.data[start + _HEADER : start + _HEADER + 3])
            parts += [self.data[start : min(kept, end)], self.data[kept:end].translate(_GARBLE)]
        return PacketTrain(b"".join(parts), self.offsets, self.codec)

    def _kept(self, payload: bytes) -> int:
        """How many bytes of a packet's payload stay readable."""
        whole = len(self.data)
        if self.codec == "h264":
            fragment = payload[0] & 31 == _FU_A
            kind = payload[1] & 31 if fragment else payload[0] & 31
            return (2 if fragment else 1) if kind in _SLICES_264 else whole
        fragment = payload[0] >> 1 & 63 == _FU_265
        kind = payload[2] & 63 if fragment else payload[0] >> 1 & 63
        return (3 if fragment else 2) if kind in h265.SYNTAX.slices else whole


def packetize(units: Sequence[bytes], max_payload: int = MAX_PAYLOAD, *, codec: CodecName = "h264") -> PacketTrain:
    """One access unit's NAL units (without start codes) in RTP packets; the marker is set on the last.

    H.264: single NAL unit packets and FU-A (RFC 6184, 5.6 and 5.8). H.265: those and FU (RFC 7798, 4.4.1 and 4.4.3),
    what comes before the first slice in aggregation packets (4.4.2). Payloads are at most ``max_payload`` bytes, at
    least 4.
    """
    payloads = list(_payloads_264(units, max_payload) if codec == "h264" else _payloads_265(units, max_payload))
    parts, offsets, position = [], [], 0
    for number, payload in enumerate(payloads, 1):
        marker = 0x80 if number == len(payloads) else 0
        parts.append(struct.pack(">cBHBBHII", b"$", 0, 12 + len(payload), 0x80, marker | PAYLOAD_TYPE, 0, 0, 0))
        parts.append(payload)
        offsets.append(position)
        position += _HEADER + len(payload)
    return PacketTrain(b"".join(parts), tuple(offsets), codec)


def _payloads_264(units: Sequence[bytes], max_payload: int) -> Iterator[bytes]:
    for unit in units:
        if len(unit) <= max_payload:
            yield unit
            continue
        indicator, kind = unit[0] & 0xE0 | _FU_A, unit[0] & 31
        for chunk, first, last in _chunks(unit[1:], max_payload - 2):
            yield bytes((indicator, first << 7 | last << 6 | kind)) + chunk


def _payloads_265(units: Sequence[bytes], max_payload: int) -> Iterator[bytes]:
    small: list[bytes] = []
    for unit in units:
        room = max_payload - 2 - sum(2 + len(other) for other in small)
        if not h265.SYNTAX.is_slice(unit) and len(unit) + 2 <= room:
            small.append(unit)
            continue
        yield from _aggregated(small)
        small = []
        if len(unit) <= max_payload:
            yield unit
            continue
        header = bytes((unit[0] & 0x81 | _FU_265 << 1, unit[1]))
        kind = unit[0] >> 1 & 63
        for chunk, first, last in _chunks(unit[2:], max_payload - 3):
            yield header + bytes((first << 7 | last << 6 | kind,)) + chunk
    yield from _aggregated(small)


def _aggregated(units: Sequence[bytes]) -> Iterator[bytes]:
    if len(units) < 2:
        yield from units
        return
    yield bytes((_AP_265 << 1, 1)) + b"".join(len(unit).to_bytes(2, "big") + unit for unit in units)


def _chunks(data: bytes, step: int) -> Iterator[tuple[bytes, bool, bool]]:
    """Pieces of a NAL unit, and whether each is the first or the last."""
    for start in range(0, len(data), step):
        yield data[start : start + step], start == 0, start + step >= len(data)


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
