"""Browsers without a page: many websockets of the feed in one process, on plain sockets.

``python -m benchmarks.feed_clients PORT OUT`` reads session tokens from standard input, a line each, up to an empty
one; joins the feed with each, says ``joined``, and receives until standard input ends. Then it writes ``OUT``
(:class:`Received`, JSON) and the delays beside it (``.npy``, ms).

A message that the server serialises once for all is parsed once for all here, too, and frames are taken apart by hand
(RFC 6455, section 5): what a thousand clients cost is then their system calls, and the note on it says how much.
"""

from __future__ import annotations

import json
import os
import selectors
import socket
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

CHUNK = 1 << 18
TEXT, CLOSE, PING, PONG = 0x1, 0x8, 0x9, 0xA
ASK_S = 30.0


@dataclass(slots=True)
class Received:
    """``counts``: of each client, events live, and late after it had to come again; ``told``: how many it was said to
    have missed. ``closes``: by code. ``cpu_s``: of this process while it received, ``lasted_s``."""

    counts: list[tuple[int, int]] = field(default_factory=list)
    told: list[int] = field(default_factory=list)
    closes: dict[int, int] = field(default_factory=dict)
    cpu_s: float = 0.0
    lasted_s: float = 0.0


@dataclass(slots=True)
class Batch:
    """One message: its events' numbers by when they were sent, UTC epoch s, and how many are late."""

    last_id: str | None
    sent_at: list[float]
    late: list[float]
    missed: int
    greets: bool


class FeedSocket:
    """One browser. ``seen``: when each event that it received was sent; ``rest``: the beginning of a frame."""

    def __init__(self, port: int, token: str) -> None:
        self.port, self.token = port, token
        self.seen: set[float] = set()
        self.late = self.told = 0
        self.last_id: str | None = None
        self.rest = b""
        self.socket = self._join()

    def _join(self) -> socket.socket:
        """The handshake (RFC 6455, section 4.1)."""
        made = socket.create_connection(("127.0.0.1", self.port), timeout=ASK_S)
        query = "" if self.last_id is None else f"?last_id={self.last_id}"
        lines = (
            f"GET /api/feed{query} HTTP/1.1",
            f"Host: 127.0.0.1:{self.port}",
            f"Origin: http://127.0.0.1:{self.port}",
            f"Cookie: xl_session={self.token}",
            "Connection: Upgrade",
            "Upgrade: websocket",
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        )
        made.sendall("\r\n".join((*lines, "", "")).encode())
        head = b""
        while b"\r\n\r\n" not in head:
            got = made.recv(CHUNK)
            if not got:
                raise ConnectionError("the dashboard closed before it answered")
            head += got
        head, _, self.rest = head.partition(b"\r\n\r\n")
        if b" 101 " not in head.split(b"\r\n", 1)[0] + b" ":
            raise ConnectionError(f"the dashboard refused: {head[:80].decode('latin-1')}")
        made.setblocking(False)
        return made

    def come_again(self) -> None:
        """As a browser does that was let go: from its last id."""
        self.socket.close()
        self.socket = self._join()

    def frames(self) -> Iterator[tuple[int, bytes]]:
        """What has come whole: opcode and content. Raises ``ConnectionError`` at the end."""
        data = self.socket.recv(CHUNK)
        if not data:
            raise ConnectionError("closed without a word")
        data = self.rest + data if self.rest else data
        at = 0
        while True:
            found = _frame(data, at)
            if found is None:
                self.rest = data[at:]
                return
            opcode, start, end = found
            yield opcode, data[start:end]
            at = end

    def pong(self, content: bytes) -> None:
        """Masked with zeros, which is allowed and costs nothing."""
        self.socket.send(bytes((0x80 | PONG, 0x80 | len(content), 0, 0, 0, 0)) + content)


def _frame(data: bytes, at: int) -> tuple[int, int, int] | None:
    """Opcode, start and end of the content of the unmasked frame that begins at ``at``; ``None``: not whole yet."""
    if len(data) - at < 2:
        return None
    size, start = data[at + 1] & 0x7F, at + 2
    extended = {126: 2, 127: 8}.get(size, 0)
    if extended:
        size, start = int.from_bytes(data[start : start + extended], "big"), start + extended
    if len(data) < start + size:
        return None
    return data[at] & 0x0F, start, start + size


class Clients:
    """All sockets of this process."""

    def __init__(self, port: int, tokens: list[str]) -> None:
        self._selector = selectors.DefaultSelector()
        self._parsed: dict[bytes, Batch] = {}
        self._arrived: list[tuple[float, Batch]] = []
        self._closes: dict[int, int] = defaultdict(int)
        self._ungreeted = 0
        self.all = [FeedSocket(port, token) for token in tokens]
        for client in self.all:
            self._watch(client)
        self._selector.register(sys.stdin.fileno(), selectors.EVENT_READ, None)

    def join(self) -> None:
        """Until everybody was greeted."""
        until = time.monotonic() + ASK_S
        while self._ungreeted > 0:
            if time.monotonic() > until:
                raise TimeoutError(f"{self._ungreeted} clients were not greeted")
            self._step(1.0)

    def receive(self) -> tuple[Received, list[float]]:
        """Until standard input ends. Returns delays, ms."""
        began, cpu = time.monotonic(), time.process_time()
        while self._step(1.0):
            pass
        delays = [1000 * (at - sent) for at, batch in self._arrived for sent in batch.sent_at]
        told = Received(
            counts=[(len(client.seen) - client.late, client.late) for client in self.all],
            told=[client.told for client in self.all],
            closes=dict(self._closes),
            cpu_s=time.process_time() - cpu,
            lasted_s=time.monotonic() - began,
        )
        return told, delays

    def _watch(self, client: FeedSocket) -> None:
        self._ungreeted += 1
        self._selector.register(client.socket, selectors.EVENT_READ, client)

    def _step(self, timeout_s: float) -> bool:
        goes_on = True
        for key, _ in self._selector.select(timeout_s):
            client: FeedSocket | None = key.data
            if client is None:
                goes_on = bool(os.read(sys.stdin.fileno(), 4096))
                continue
            try:
                for opcode, content in client.frames():
                    self._take(client, opcode, content)
            except BlockingIOError:
                continue
            except ConnectionError:
                self._selector.unregister(client.socket)
                client.come_again()
                self._watch(client)
        return goes_on

    def _take(self, client: FeedSocket, opcode: int, content: bytes) -> None:
        if opcode == PING:
            client.pong(content)
        elif opcode == CLOSE:
            self._closes[int.from_bytes(content[:2], "big")] += 1
            raise ConnectionError("closed by the dashboard")
        elif opcode == TEXT:
            at, batch = time.time(), self._parse(content)
            client.last_id = batch.last_id or client.last_id
            client.told += batch.missed
            self._ungreeted -= batch.greets
            before = len(client.seen)
            client.seen.update(batch.late)
            client.late += len(client.seen) - before
            client.seen.update(batch.sent_at)
            if batch.sent_at:
                self._arrived.append((at, batch))

    def _parse(self, content: bytes) -> Batch:
        known = self._parsed.get(content)
        if known is not None:
            return known
        message = json.loads(content)
        items = message.get("items", [])
        hello = next((item for item in items if item["type"] == "hello"), None)
        events = [(item["late"], item["row"]["detected_at"]) for item in items if item["type"] == "event"]
        batch = Batch(
            last_id=message.get("last_id"),
            sent_at=[sent for late, sent in events if not late],
            late=[sent for late, sent in events if late],
            missed=0 if hello is None else hello["missed"] + hello["gone"],
            greets=hello is not None,
        )
        if len(self._parsed) > 256:  # long received by everybody
            self._parsed.clear()
        self._parsed[content] = batch
        return batch


def main(port: int, out: Path) -> None:
    """See the module."""
    tokens = []
    while token := sys.stdin.readline().strip():
        tokens.append(token)
    clients = Clients(port, tokens)
    clients.join()
    sys.stdout.write("joined\n")
    sys.stdout.flush()
    received, delays = clients.receive()
    np.save(out.with_suffix(".npy"), np.array(delays, np.float32))
    out.write_text(json.dumps(asdict(received)), "utf-8")


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
