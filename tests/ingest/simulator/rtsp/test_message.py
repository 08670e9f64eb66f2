from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.simulator.rtsp.message import (
    MAX_BODY,
    MAX_HEAD,
    Interleaved,
    Message,
    MessageError,
    MessageParser,
    Request,
    TcpTransport,
    UdpTransport,
    choose_transport,
    response,
)

OPTIONS = b"OPTIONS rtsp://camera/main RTSP/1.0\r\nCSeq: 1\r\n\r\n"
TOKENS = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ_", min_size=1, max_size=12).filter(lambda t: t.strip("_") != "")
VALUES = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=40)


def parse(*chunks: bytes) -> list[Message]:
    parser = MessageParser()
    return [message for chunk in chunks for message in parser.feed(chunk)]


@given(
    st.lists(
        st.one_of(
            st.tuples(
                TOKENS, st.dictionaries(st.sampled_from(["CSeq", "Session", "X-A"]), VALUES), st.binary(max_size=99)
            ),
            st.tuples(st.integers(0, 255), st.binary(max_size=200)),
        ),
        max_size=6,
    ),
    st.lists(st.integers(1, 60), min_size=1, max_size=8),
)
def test_messages_survive_any_split_of_the_bytes(messages: list[tuple[object, ...]], cuts: list[int]) -> None:
    wire, expected = b"", list[Message]()
    for message in messages:
        if len(message) == 2:
            channel, payload = message
            assert isinstance(channel, int)
            assert isinstance(payload, bytes)
            wire += b"$" + bytes([channel]) + len(payload).to_bytes(2, "big") + payload
            expected.append(Interleaved(channel, payload))
            continue
        method, headers, body = message
        assert isinstance(method, str)
        assert isinstance(headers, dict)
        assert isinstance(body, bytes)
        headers = {**headers, "Content-Length": str(len(body))}
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        wire += f"{method} rtsp://camera/main RTSP/1.0\r\n{head}\r\n".encode() + body
        lowered = {name.lower(): value for name, value in headers.items()}
        expected.append(Request(method, "rtsp://camera/main", lowered, body))
    chunks, position, turn = [], 0, 0
    while position < len(wire):
        step = cuts[turn % len(cuts)]
        chunks.append(wire[position : position + step])
        position, turn = position + step, turn + 1
    assert parse(*chunks) == expected


@given(st.lists(st.binary(max_size=600), max_size=20))
def test_any_bytes_give_messages_or_an_error_and_never_pile_up(chunks: list[bytes]) -> None:
    parser, statuses = MessageParser(), list[int]()
    for chunk in chunks:
        try:
            list(parser.feed(chunk))
        except MessageError as error:
            statuses.append(error.status)
            break
        assert parser.pending() <= max(MAX_HEAD, MAX_BODY + 4) + len(chunk)
    assert set(statuses) <= {400, 413, 505}


@given(st.binary(max_size=300))
def test_a_damaged_request_line_is_refused_or_read(noise: bytes) -> None:
    status = 200
    try:
        parse(b"PLAY " + noise + b" RTSP/1.0\r\nCSeq: 1\r\n\r\n")
    except MessageError as error:
        status = error.status
    assert status in {200, 400, 413, 505}


@pytest.mark.parametrize(
    ("wire", "status", "why"),
    [
        (b"OPTIONS rtsp://c/ RTSP/2.0\r\n\r\n", 505, "another version"),
        (b"GET / HTTP/1.1\r\n\r\n", 400, "another protocol"),
        (b"OPTIONS rtsp://c/\r\n\r\n", 400, "no version"),
        (b"OPT!ONS rtsp://c/ RTSP/1.0\r\n\r\n", 400, "method with a separator"),
        (b"OPTIONS rtsp://[c/ RTSP/1.0\r\n\r\n", 400, "a URI that cannot be split"),
        (b"OPTIONS rtsp://c/ RTSP/1.0\r\nNo colon\r\n\r\n", 400, "a header without colon"),
        (b"OPTIONS rtsp://c/ RTSP/1.0\r\nA: 1\nB: 2\r\n\r\n", 400, "a lone line feed, which would split our answer"),
        (b"OPTIONS rtsp://c/ RTSP/1.0\r\nA: 1\r\n folded\r\n\r\n", 400, "a folded header"),
        (b"OPTIONS rtsp://c/ RTSP/1.0\r\nA: \xff\r\n\r\n", 400, "not UTF-8"),
        (b"OPTIONS rtsp://c/ RTSP/1.0\r\nContent-Length: -1\r\n\r\n", 400, "a negative length"),
        (b"OPTIONS rtsp://c/ RTSP/1.0\r\nContent-Length: 99999999\r\n\r\n", 413, "a body past the limit"),
        (b"OPTIONS rtsp://c/ RTSP/1.0\r\n" + b"A: 1\r\n" * 65 + b"\r\n", 413, "too many headers"),
        (b"A" * (MAX_HEAD + 1), 413, "a head that does not end"),
    ],
)
def test_what_is_no_request_is_refused_with_the_fitting_status(wire: bytes, status: int, why: str) -> None:
    with pytest.raises(MessageError) as caught:
        parse(wire)
    assert caught.value.status == status, why


def test_messages_before_the_bad_one_are_given() -> None:
    messages = MessageParser().feed(b"\r\n" + OPTIONS + OPTIONS + b"nonsense\r\n\r\n")
    got = [next(messages), next(messages)]
    with pytest.raises(MessageError):
        next(messages)
    assert [message.method for message in got if isinstance(message, Request)] == ["OPTIONS", "OPTIONS"]


@pytest.mark.parametrize(
    ("header", "transport"),
    [
        ("RTP/AVP/TCP;unicast;interleaved=0-1", TcpTransport((0, 1))),
        ("RTP/AVP;multicast,RTP/AVP/TCP;interleaved=4-5", TcpTransport((4, 5))),
        ("rtp/avp/tcp;interleaved=6", TcpTransport((6, 7))),
        ('RTP/AVP/TCP;unicast;mode="PLAY"', TcpTransport(None)),
        ("RTP/AVP/UDP;unicast;client_port=5000-5001,RTP/AVP/TCP;interleaved=4-5", UdpTransport((5000, 5001))),
        ("RTP/AVP;unicast;client_port=5000", UdpTransport((5000, 5001))),
    ],
)
def test_the_first_transport_that_is_understood_is_taken(header: str, transport: TcpTransport | UdpTransport) -> None:
    assert choose_transport(header) == transport


@pytest.mark.parametrize("header", ["", "RTP/AVP;unicast", "RTP/AVP/TCP;multicast", "RTP/AVP/TCP;mode=record"])
def test_other_transports_are_not(header: str) -> None:
    assert choose_transport(header) is None


@given(st.text(max_size=60))
def test_any_transport_header_is_judged(header: str) -> None:
    status = 200
    try:
        choose_transport(f"RTP/AVP/TCP;interleaved={header}")
        choose_transport(f"RTP/AVP;client_port={header}")
    except MessageError as error:
        status = error.status
    assert status in {200, 400}


def test_a_response_repeats_headers_of_several_values_and_counts_its_body() -> None:
    text = response(401, "7", {"WWW-Authenticate": ("Digest a", "Digest b")}, b"why").decode()
    assert text.startswith("RTSP/1.0 401 Unauthorized\r\nCSeq: 7\r\n")
    assert text.count("WWW-Authenticate: Digest ") == 2
    assert text.endswith("Content-Length: 3\r\n\r\nwhy")
