"""An RTSP server that follows a script: for streams and manners that no real server has."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass


@dataclass(frozen=True)
class Script:
    """What a peer says: an answer's body to DESCRIBE, what follows PLAY, or ``raw`` from the first byte on."""

    sdp: bytes = b""
    stream: Callable[[socket.socket], None] = lambda _: None
    raw: Callable[[socket.socket], None] | None = None
    twist: Callable[[bytes], bytes] = bytes


class Peer:
    """An RTSP server that follows a script, one connection at a time."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.ended = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"rtsp://127.0.0.1:{self._listener.getsockname()[1]}/x"

    def close(self) -> None:
        self.ended.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(60)

    def _serve(self) -> None:
        while not self.ended.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection, suppress(OSError):
                connection.settimeout(1.0)
                self._talk(connection)

    def _talk(self, connection: socket.socket) -> None:
        if self._script.raw is not None:
            connection.recv(4096)
            self._script.raw(connection)
            return
        pending = b""
        while True:
            while b"\r\n\r\n" not in pending:
                received = connection.recv(4096)
                if not received:
                    return
                pending += received
            head, _, pending = pending.partition(b"\r\n\r\n")
            method = head.split(b" ", 1)[0]
            connection.sendall(self._script.twist(self._answer(method, head)))
            if method == b"PLAY":
                self._script.stream(connection)
                return

    def _answer(self, method: bytes, head: bytes) -> bytes:
        lines = head.split(b"\r\n")
        # A client whose place in the dialogue was twisted may send anything, its interleaved reports for one.
        cseq = next((line for line in lines if line.lower().startswith(b"cseq")), b"CSeq: 0")
        lines = [b"RTSP/1.0 200 OK", cseq, b"Session: 1"]
        body = b""
        if method == b"DESCRIBE":
            body = self._script.sdp
            lines += [b"Content-Type: application/sdp", b"Content-Length: %d" % len(body)]
        elif method == b"SETUP":
            lines.append(b"Transport: RTP/AVP/TCP;unicast;interleaved=0-1")
        elif method == b"OPTIONS":
            lines.append(b"Public: OPTIONS, DESCRIBE, SETUP, PLAY")
        return b"\r\n".join(lines) + b"\r\n\r\n" + body


def sdp_of(fmtp: str = "", media: str = "video 0 RTP/AVP 96", codec: str = "H264/90000") -> bytes:
    lines = ["v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=x", "t=0 0", f"m={media}", f"a=rtpmap:96 {codec}", fmtp]
    return "".join(f"{line}\r\n" for line in [*lines, "a=control:track"] if line).encode()


def rtp_packet(payload: bytes, number: int = 0, timestamp: int = 0, marker: bool = False) -> bytes:
    head = bytes((0x80, 0x60 | marker << 7)) + number.to_bytes(2, "big") + timestamp.to_bytes(4, "big") + b"ssrc"
    return b"$\x00" + (len(head) + len(payload)).to_bytes(2, "big") + head + payload
