"""RTSP 1.0 messages (RFC 2326) and the interleaved frames between them (section 10.12): parsed, hardened, pure.

The parser is fed whatever arrives and gives whole messages; what it holds is bounded by its limits.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

MAX_HEAD: Final = 8192
MAX_HEADERS: Final = 64
MAX_BODY: Final = 65536
VERSION: Final = "RTSP/1.0"

REASONS: Final[Mapping[int, str]] = {
    200: "OK",
    400: "Bad Request",
    401: "Unauthorized",
    404: "Not Found",
    406: "Not Acceptable",
    413: "Request Entity Too Large",
    454: "Session Not Found",
    455: "Method Not Valid in This State",
    459: "Aggregate Operation Not Allowed",
    461: "Unsupported Transport",
    501: "Not Implemented",
    503: "Service Unavailable",
    505: "RTSP Version Not Supported",
    551: "Option not supported",
}


class MessageError(ValueError):
    """Bytes that are no RTSP message, or one past a limit. ``status`` is what the client is told before the close."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


@dataclass(frozen=True, slots=True)
class Request:
    """One request. Header names are lower-case; a repeated header is joined by ``", "`` (RFC 2616, 4.2)."""

    method: str
    uri: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def header(self, name: str) -> str:
        """The header's value, empty if it is not there."""
        return self.headers.get(name.lower(), "")


@dataclass(frozen=True, slots=True)
class Interleaved:
    """Binary data of a client on one channel, normally an RTCP receiver report."""

    channel: int
    payload: bytes


Message = Request | Interleaved


class MessageParser:
    """Incremental parser of one connection's client-to-server direction."""

    __slots__ = ("_buffer", "_head")

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._head: tuple[Request, int] | None = None  # a request whose body is still to come, and its length

    def feed(self, data: bytes) -> Iterator[Message]:
        """Every message that ``data`` completes, in order.

        Raises :class:`MessageError`, after which the parser must not be used again: where the next message would begin
        is unknown.
        """
        self._buffer += data
        while (message := self._next()) is not None:
            yield message

    def pending(self) -> int:
        """Bytes held until more arrive."""
        return len(self._buffer)

    def _next(self) -> Message | None:
        buffer = self._buffer
        if self._head is not None:
            return self._with_body(*self._head)
        while buffer[:2] == b"\r\n":  # stray blank lines between messages are ignored (RFC 2616, 4.1)
            del buffer[:2]
        if not buffer or buffer == b"\r":
            return None
        if buffer[0] == 0x24:
            return self._interleaved()
        end = buffer.find(b"\r\n\r\n", 0, MAX_HEAD + 4)
        if end < 0:
            if len(buffer) > MAX_HEAD:
                raise MessageError(413, f"request head longer than {MAX_HEAD} bytes")
            return None
        head = bytes(buffer[:end])
        del buffer[: end + 4]
        request = parse_head(head)
        return self._with_body(request, body_length(request))

    def _with_body(self, request: Request, length: int) -> Request | None:
        if len(self._buffer) < length:
            self._head = (request, length)
            return None
        self._head = None
        if not length:
            return request
        body = bytes(self._buffer[:length])
        del self._buffer[:length]
        return Request(request.method, request.uri, request.headers, body)

    def _interleaved(self) -> Interleaved | None:
        buffer = self._buffer
        if len(buffer) < 4:
            return None
        length = int.from_bytes(buffer[2:4], "big")
        if len(buffer) < 4 + length:
            return None
        frame = Interleaved(buffer[1], bytes(buffer[4 : 4 + length]))
        del buffer[: 4 + length]
        return frame


def parse_head(head: bytes) -> Request:
    """Request line and headers, without the blank line that ends them. Raises :class:`MessageError`."""
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError as error:
        raise MessageError(400, "request head is not UTF-8") from error
    if any(character < " " and character not in "\r\n\t" for character in text) or "\n" in text.replace("\r\n", ""):
        raise MessageError(400, "request head holds control characters")
    line, *fields = text.split("\r\n")
    parts = line.split(" ")
    if len(parts) != 3 or not all(parts):
        raise MessageError(400, "request line is not METHOD URI VERSION")
    method, uri, version = parts
    if not version.startswith("RTSP/"):
        raise MessageError(400, "not an RTSP request")
    if version != VERSION:
        raise MessageError(505, f"only {VERSION} is spoken")
    if not method.isascii() or not method.replace("_", "").isalpha():
        raise MessageError(400, "method is not a token")
    try:
        urlsplit(uri)
    except ValueError as error:
        raise MessageError(400, "request URI is none") from error
    if len(fields) > MAX_HEADERS:
        raise MessageError(413, f"more than {MAX_HEADERS} headers")
    headers: dict[str, str] = {}
    for entry in fields:
        name, colon, value = entry.partition(":")
        if not colon or not name or name != name.strip():
            raise MessageError(400, "header is not NAME: VALUE")
        key = name.lower()
        headers[key] = f"{headers[key]}, {value.strip()}" if key in headers else value.strip()
    return Request(method, uri, headers)


def body_length(request: Request) -> int:
    """Content-Length, 0 where there is none. Raises :class:`MessageError`."""
    value = request.header("content-length")
    if not value:
        return 0
    if not (value.isascii() and value.isdigit()):
        raise MessageError(400, "Content-Length is not a number")
    if len(value) > 9 or int(value) > MAX_BODY:
        raise MessageError(413, f"body longer than {MAX_BODY} bytes")
    return int(value)


def response(
    status: int, cseq: str | None, headers: Mapping[str, str | tuple[str, ...]] | None = None, body: bytes = b""
) -> bytes:
    """One response as bytes. A header with several values is repeated; Content-Length is added to a body."""
    lines = [f"{VERSION} {status} {REASONS[status]}"]
    if cseq is not None:
        lines.append(f"CSeq: {cseq}")
    lines.append("Server: xueliang-simulator")
    for name, value in (headers or {}).items():
        lines += [f"{name}: {one}" for one in ((value,) if isinstance(value, str) else value)]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


@dataclass(frozen=True, slots=True)
class TcpTransport:
    """What a client asks for in SETUP: the channels of RTP and RTCP, or ``None`` to be given them."""

    channels: tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class UdpTransport:
    """The client's ports of RTP and RTCP."""

    ports: tuple[int, int]


def choose_transport(header: str) -> TcpTransport | UdpTransport | None:
    """The first unicast alternative of a Transport header (RFC 2326, 12.39) that is understood, else ``None``.

    Raises :class:`MessageError` for an ``interleaved`` that is not one or two channels in 0..255, and for a
    ``client_port`` that is not two ports.
    """
    for alternative in header.split(","):
        spec, *parameters = (part.strip().lower() for part in alternative.split(";"))
        values = {name: value for name, _, value in (parameter.partition("=") for parameter in parameters)}
        if "multicast" in values or "play" not in values.get("mode", "play"):
            continue
        if spec == "rtp/avp/tcp":
            wanted = values.get("interleaved")
            return TcpTransport(None if wanted is None else _channels(wanted))
        if spec in ("rtp/avp", "rtp/avp/udp") and "client_port" in values:
            first, second = _pair(values["client_port"], 65535, "client_port is not PORT-PORT")
            if not first or not second:
                raise MessageError(400, "client ports must not be 0")
            return UdpTransport((first, second))
    return None


def _channels(value: str) -> tuple[int, int]:
    rtp, rtcp = _pair(value, 255, "interleaved is not CHANNEL-CHANNEL, two in 0..255")
    if rtp == rtcp:
        raise MessageError(400, "interleaved channels must be two")
    return rtp, rtcp


def _pair(value: str, limit: int, complaint: str) -> tuple[int, int]:
    """``N-M``, or ``N`` for ``N`` and the next number."""
    first, _, second = value.partition("-")
    if not all(part.isascii() and part.isdigit() and len(part) <= 5 for part in (first, second or first)):
        raise MessageError(400, complaint)
    pair = int(first), int(second) if second else int(first) + 1
    if max(pair) > limit:
        raise MessageError(400, complaint)
    return pair
