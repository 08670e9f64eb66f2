"""A running simulator with small pictures, and a plain RTSP client that shows what is on the wire."""

from __future__ import annotations

import hashlib
import socket
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import pytest

from ingest.simulator.background import SimulatorThread
from ingest.simulator.camera import SimCamera
from ingest.simulator.encode import Profile, Profiles
from ingest.simulator.scene.place import SceneKind
from ingest.simulator.source import SceneSource

USER, PASSWORD = "admin", "s3cret"


@dataclass(frozen=True)
class Answer:
    """A response."""

    status: int
    headers: dict[str, list[str]]
    body: bytes

    def one(self, name: str) -> str:
        (value,) = self.headers[name]
        return value


@dataclass(frozen=True)
class Packet:
    """An interleaved packet."""

    channel: int
    payload: bytes

    @property
    def sequence(self) -> int:
        return int(struct.unpack(">H", self.payload[2:4])[0])

    @property
    def timestamp(self) -> int:
        return int(struct.unpack(">I", self.payload[4:8])[0])

    @property
    def marker(self) -> bool:
        return bool(self.payload[1] & 0x80)

    @property
    def nal_type(self) -> int:
        kind = self.payload[12] & 31
        return self.payload[13] & 31 if kind == 28 else kind


class Client:
    """Blocking, with a deadline on every read."""

    def __init__(self, url: str) -> None:
        self.url = url
        host, port = url.removeprefix("rtsp://").partition("/")[0].split(":")
        self.socket = socket.create_connection((host, int(port)), timeout=60)
        self._file = self.socket.makefile("rb")
        self._cseq = 0
        self.session = ""

    def close(self) -> None:
        self._file.close()
        self.socket.close()

    def send(self, method: str, url: str | None = None, **headers: str) -> None:
        self._cseq += 1
        lines = [f"{method} {url or self.url} RTSP/1.0", f"CSeq: {self._cseq}"]
        if self.session and "Session" not in headers:
            lines.append(f"Session: {self.session}")
        lines += [f"{name}: {value}" for name, value in headers.items() if value]
        self.socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())

    def ask(self, method: str, url: str | None = None, **headers: str) -> Answer:
        self.send(method, url, **headers)
        return self.answer()

    def answer(self) -> Answer:
        """The next response; packets before it are passed over."""
        while True:
            first = self._file.read(1)
            if first == b"$":
                self._file.read(struct.unpack(">xH", self._file.read(3))[0])
                continue
            assert first, "connection closed"
            status_line = (first + self._file.readline()).decode()
            headers: dict[str, list[str]] = {}
            while line := self._file.readline().decode().strip():
                name, _, value = line.partition(":")
                headers.setdefault(name.lower(), []).append(value.strip())
            body = self._file.read(int(headers.get("content-length", ["0"])[0]))
            return Answer(int(status_line.split()[1]), headers, body)

    def play(self, channels: str = "0-1") -> Answer:
        """SETUP and PLAY."""
        setup = self.ask("SETUP", f"{self.url}/trackID=0", Transport=f"RTP/AVP/TCP;unicast;interleaved={channels}")
        assert setup.status == 200
        self.session = setup.one("session").partition(";")[0]
        return self.ask("PLAY")

    def packet(self) -> Packet:
        """The next packet; ``ConnectionError`` when the connection ends instead."""
        head = self._file.read(4)
        if len(head) < 4:
            raise ConnectionError("closed")
        assert head[:1] == b"$", head
        _, channel, length = struct.unpack(">cBH", head)
        payload = self._file.read(length)
        if len(payload) < length:
            raise ConnectionError("closed")
        return Packet(channel, payload)

    def closed(self) -> bool:
        """Read until the server closes or resets the connection."""
        try:
            while self._file.read(4096):
                pass
        except ConnectionError:
            pass
        return True


def sign(challenge: str, method: str, uri: str, *, user: str = USER, password: str = PASSWORD, qop: bool = True) -> str:
    """The Authorization header to a challenge, worked out here again from RFC 7616."""
    fields = dict(part.strip().split("=", 1) for part in challenge.removeprefix("Digest ").split(","))
    realm, nonce = fields["realm"].strip('"'), fields["nonce"].strip('"')
    name = fields.get("algorithm", "MD5")
    digest = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256}[name]

    def h(text: str) -> str:
        return digest(text.encode()).hexdigest()

    ha1, ha2 = h(f"{user}:{realm}:{password}"), h(f"{method}:{uri}")
    middle = f"{nonce}:00000001:abcdef:auth" if qop else nonce
    extra = ', qop=auth, nc=00000001, cnonce="abcdef"' if qop else ""
    return (
        f'Digest username="{user}", realm="{realm}", nonce="{nonce}", uri="{uri}", '
        f'response="{h(f"{ha1}:{middle}:{ha2}")}", algorithm={name}{extra}'
    )


Connect = Callable[[str], Client]


@pytest.fixture(scope="session")
def sign_digest() -> Callable[..., str]:
    """See :func:`sign`."""
    return sign


@pytest.fixture
def rtsp_connect() -> Iterator[Connect]:
    """Opens clients that are closed with the test."""
    opened: list[Client] = []

    def connect(url: str) -> Client:
        opened.append(Client(url))
        return opened[-1]

    yield connect
    for client in opened:
        client.close()


@pytest.fixture(scope="session")
def sim_profiles() -> Profiles:
    """Small pictures: a test encodes them in a moment."""
    return Profiles(Profile(320, 180, Fraction(25), 300_000), Profile(160, 90, Fraction(25, 2), 100_000))


@pytest.fixture(scope="session")
def sim_source() -> SceneSource:
    """Four seconds of a small yard."""
    return SceneSource(kind=SceneKind.YARD, width=320, height=180, seconds=4)


@pytest.fixture(scope="session")
def sim_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Encoded once for all tests."""
    return tmp_path_factory.mktemp("simulator-cache")


@pytest.fixture(scope="session")
def sim_shared(sim_profiles: Profiles, sim_source: SceneSource, sim_cache: Path) -> Iterator[SimulatorThread]:
    """Cameras: open, digest, sha, both, short (session 0.5 s), aged (nonce 0 s), flappy (0.2 s)."""
    guarded = SimCamera("digest", sim_source, USER, PASSWORD)
    cameras = [
        SimCamera("open", sim_source),
        guarded,
        replace(guarded, id="sha", algorithms=("SHA-256",)),
        replace(guarded, id="both", algorithms=("SHA-256", "MD5")),
        SimCamera("short", sim_source, session_timeout_s=0.5),
        replace(guarded, id="aged", nonce_life_s=-1.0),
        SimCamera("flappy", sim_source, flap_s=0.2),
        SimCamera("narrow", sim_source, max_connections=1),
    ]
    with SimulatorThread(cameras, sim_cache, profiles=sim_profiles) as running:
        yield running


@pytest.fixture
def simulator(sim_shared: SimulatorThread) -> Iterator[SimulatorThread]:
    """The shared simulator; the test's faults are healed after it."""
    yield sim_shared
    for camera in ("open", "digest", "flappy"):
        sim_shared.set_fault(camera, "none")
