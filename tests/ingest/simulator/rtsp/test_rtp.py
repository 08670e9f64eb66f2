from __future__ import annotations

import struct

from hypothesis import given
from hypothesis import strategies as st

from ingest.simulator.rtsp.rtp import NTP_EPOCH, PacketTrain, packetize, sender_report

UNITS = st.lists(
    st.builds(lambda kind, body: bytes([0x60 | kind]) + body, st.sampled_from([1, 5, 7, 8]), st.binary(max_size=300)),
    min_size=1,
    max_size=5,
)


def rtp_packets(data: bytes) -> list[tuple[int, bytes]]:
    found, position = [], 0
    while position < len(data):
        assert data[position] == 0x24
        length = int.from_bytes(data[position + 2 : position + 4], "big")
        found.append((data[position + 1], bytes(data[position + 4 : position + 4 + length])))
        position += 4 + length
    return found


def units_of(packets: list[bytes]) -> list[bytes]:
    """What a receiver puts together again (RFC 6184, 5.6 and 5.8)."""
    units: list[bytes] = []
    for packet in packets:
        payload = packet[12:]
        if payload[0] & 31 != 28:
            units.append(payload)
        elif payload[1] & 0x80:
            units.append(bytes([payload[0] & 0xE0 | payload[1] & 31]) + payload[2:])
        else:
            units[-1] += payload[2:]
    return units


@given(UNITS, st.integers(3, 120))
def test_a_receiver_puts_the_same_units_together(units: list[bytes], limit: int) -> None:
    packets = [packet for _, packet in rtp_packets(packetize(units, limit).data)]
    assert units_of(packets) == units
    assert all(len(packet) - 12 <= limit for packet in packets)
    assert [bool(packet[1] & 0x80) for packet in packets] == [False] * (len(packets) - 1) + [True]


@given(UNITS, st.integers(0, 65535), st.integers(0, 2**40), st.integers(0, 2**32 - 1), st.integers(0, 255))
def test_a_viewers_copy_has_its_own_numbers_and_they_wrap(
    units: list[bytes], sequence: int, timestamp: int, ssrc: int, channel: int
) -> None:
    train = packetize(units, 50)
    before = bytes(train.data)
    packets = rtp_packets(bytes(train.patched(channel=channel, sequence=sequence, timestamp=timestamp, ssrc=ssrc)))
    for number, (on, packet) in enumerate(packets):
        assert on == channel
        assert struct.unpack(">HII", packet[2:12]) == ((sequence + number) % 65536, timestamp % 2**32, ssrc)
    assert units_of([packet for _, packet in packets]) == units
    assert train.data == before


UNITS_265 = st.lists(
    st.builds(
        lambda kind, body: bytes([kind << 1, 1]) + body,
        st.sampled_from([0, 1, 19, 32, 33, 34]),
        st.binary(max_size=300),
    ),
    min_size=1,
    max_size=6,
)


def units_of_265(packets: list[bytes]) -> list[bytes]:
    """What a receiver puts together again (RFC 7798, 4.4)."""
    units: list[bytes] = []
    for packet in packets:
        payload = packet[12:]
        kind = payload[0] >> 1 & 63
        if kind == 48:
            at = 2
            while at < len(payload):
                end = at + 2 + int.from_bytes(payload[at : at + 2], "big")
                units.append(payload[at + 2 : end])
                at = end
        elif kind != 49:
            units.append(payload)
        elif payload[2] & 0x80:
            units.append(bytes([payload[0] & 0x81 | (payload[2] & 63) << 1, payload[1]]) + payload[3:])
        else:
            units[-1] += payload[3:]
    return units


@given(UNITS_265, st.integers(4, 400))
def test_a_receiver_puts_the_same_h265_together(units: list[bytes], limit: int) -> None:
    packets = [packet for _, packet in rtp_packets(packetize(units, limit, codec="hevc").data)]
    assert units_of_265(packets) == units
    assert all(len(packet) - 12 <= limit for packet in packets)
    assert [bool(packet[1] & 0x80) for packet in packets] == [False] * (len(packets) - 1) + [True]


@given(UNITS_265)
def test_garbled_h265_keeps_everything_but_slices(units: list[bytes]) -> None:
    garbled = packetize(units, 60, codec="hevc").garbled()
    after = units_of_265([packet for _, packet in rtp_packets(garbled.data)])
    for unit, other in zip(units, after, strict=True):
        assert other[:2] == unit[:2]
        if unit[0] >> 1 in (0, 1, 19):
            assert all(a != b for a, b in zip(unit[2:], other[2:], strict=True))
        else:
            assert other == unit


@given(UNITS)
def test_garbled_slices_differ_in_every_byte_and_everything_else_in_none(units: list[bytes]) -> None:
    train = packetize(units, 60)
    garbled: PacketTrain = train.garbled()
    assert garbled.offsets == train.offsets
    after = units_of([packet for _, packet in rtp_packets(garbled.data)])
    for unit, other in zip(units, after, strict=True):
        assert other[0] == unit[0]
        if unit[0] & 31 in (1, 5):
            assert all(a != b for a, b in zip(unit[1:], other[1:], strict=True))
        else:
            assert other == unit


@given(st.floats(0, 4e9), st.integers(0, 2**40), st.text("abc", max_size=20))
def test_a_sender_report_carries_wall_clock_and_rtp_time(wall: float, timestamp: int, cname: str) -> None:
    framed = sender_report(channel=1, ssrc=7, wall=wall, timestamp=timestamp, packets=3, octets=99, cname=cname)
    ((channel, compound),) = rtp_packets(framed)
    assert channel == 1
    head, kind, words, ssrc, seconds, fraction, rtp, packets, octets = struct.unpack(">BBHIIIIII", compound[:28])
    assert (head, kind, words, ssrc, packets, octets) == (0x80, 200, 6, 7, 3, 99)
    assert rtp == timestamp % 2**32
    assert abs((seconds - NTP_EPOCH) % 2**32 + fraction / 2**32 - wall % 2**32) < 1e-5
    sdes = compound[28:]
    assert sdes[1] == 202
    assert len(sdes) == 4 * (int.from_bytes(sdes[2:4], "big") + 1)
    assert sdes[8] == 1
    assert sdes[10 : 10 + sdes[9]].decode() == cname
    assert sdes[-1] == 0
