"""Where a stream is, and the words for why it cannot be opened. Passwords are put in here, and nowhere else."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol
from urllib.parse import quote, urlsplit

import av
from av.container import InputContainer
from pydantic import SecretStr

from ingest.state import Fault


@dataclass(frozen=True, slots=True)
class Address:
    """An RTSP URL without credentials, the credentials beside it, and what carries the packets.

    ``peer``: the numeric address that is gone to, whatever the URL's host name leads to by then.
    """

    url: str
    username: str = ""
    password: SecretStr = field(default=SecretStr(""), repr=False)
    transport: Literal["tcp", "udp"] = "tcp"
    peer: str | None = None

    @property
    def target(self) -> str:
        """The URL that is opened, without credentials. FFmpeg can be told no address beside a name: the camera hears
        the address in its requests."""
        if self.peer is None:
            return self.url
        parts = urlsplit(self.url)
        host = f"[{self.peer}]" if ":" in self.peer else self.peer
        return parts._replace(netloc=host if parts.port is None else f"{host}:{parts.port}").geturl()

    def with_credentials(self) -> str:
        """The URL that is opened, user and password percent-encoded (RFC 3986, 3.2.1). Never keep or print it."""
        if not self.username:
            return self.target
        scheme, _, rest = self.target.partition("://")
        return f"{scheme}://{quote(self.username, safe='')}:{quote(self.password.get_secret_value(), safe='')}@{rest}"


class SessionFailed(Exception):
    """A session could not be opened, or ended. The text is safe to show: it holds no URL and no secret."""

    def __init__(self, fault: Fault, detail: str) -> None:
        super().__init__(detail)
        self.fault = fault
        self.detail = detail


@dataclass(frozen=True, slots=True)
class OpenLimits:
    """Seconds: to connect, and after which a read without data comes back to look around.

    A stream that is trusted is looked after less often: see :class:`Patience`.
    """

    connect_s: float = 3.0
    poll_s: float = 1.5


class Patience:
    """How long PyAV lets a read last, seconds; it asks when a ``demux`` begins. Without end once :attr:`waived`.

    To look at its clock PyAV takes the interpreter's lock, at each of the three reads that one RTP packet takes:
    1200 times a second for 2 Mb/s. From forty cameras on that costs half a core. FFmpeg's own patience costs nothing,
    but only silence ends it: noise without end, which a bad peer may send, does not.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.waived = False

    def __float__(self) -> float:
        return -1.0 if self.waived else self._seconds


class Opener(Protocol):
    """Opens a container, or raises :class:`SessionFailed`."""

    def __call__(self, address: Address, limits: OpenLimits) -> InputContainer: ...


def open_rtsp(address: Address, limits: OpenLimits) -> InputContainer:
    """Opens an RTSP session, video only. Raises :class:`SessionFailed`."""
    opened = _try_open(address, limits)
    if isinstance(opened, SessionFailed):
        # Raised here, outside the handler: PyAV's exception and its frames hold the whole URL.
        raise opened
    return opened


def _try_open(address: Address, limits: OpenLimits) -> InputContainer | SessionFailed:
    options = {
        "rtsp_transport": address.transport,
        "allowed_media_types": "video",
        # The stream's description says what is needed; probing costs a second (measured). Not fflags=nobuffer: it
        # throws away what was read while probing, which is the key frame that the camera sends first (measured).
        "probesize": "32",
        "analyzeduration": "0",
        "timeout": str(round(limits.connect_s * 1_000_000)),  # of the socket: see Patience
    }
    if address.transport == "udp":
        # Packets that wait for a late one, and for how long (microseconds); a key frame comes as one burst.
        options |= {"reorder_queue_size": "256", "max_delay": "200000", "buffer_size": "1048576"}
    begun = time.monotonic()
    try:
        patience: Any = (limits.connect_s, Patience(limits.poll_s))  # PyAV takes what has a float
        return av.open(address.with_credentials(), mode="r", options=options, timeout=patience)
    except (av.FFmpegError, OSError, ValueError) as error:
        if time.monotonic() - begun >= limits.connect_s:
            # Cut off in the middle of an answer, FFmpeg finds the answer's beginning invalid.
            return session_failure(TimeoutError())
        return session_failure(error)


def session_failure(error: Exception) -> SessionFailed:
    """The fault and the sentence for what PyAV raised. The error's own text is never used: it holds the URL."""
    for kinds, fault, detail in _FAILURES:
        if isinstance(error, kinds):
            return SessionFailed(fault, detail)
    return SessionFailed(Fault.UNREACHABLE, f"session failed: {type(error).__name__}")


_FAILURES: tuple[tuple[tuple[type[Exception], ...], Fault, str], ...] = (
    ((av.error.HTTPUnauthorizedError,), Fault.REFUSED, "camera refuses the user or the password (401)"),
    ((av.error.HTTPForbiddenError,), Fault.REFUSED, "camera forbids this user the stream (403)"),
    ((av.error.HTTPNotFoundError,), Fault.UNREACHABLE, "camera has no stream at this address (404)"),
    ((av.error.HTTPError,), Fault.UNREACHABLE, "camera answers the request with an error"),
    ((ConnectionRefusedError,), Fault.UNREACHABLE, "nothing listens at the camera's address"),
    ((ConnectionError,), Fault.UNREACHABLE, "camera breaks the connection"),
    ((TimeoutError, av.error.ExitError), Fault.UNREACHABLE, "camera does not answer in time"),
    ((av.error.InvalidDataError,), Fault.UNREACHABLE, "what answers does not speak RTSP, or offers no video"),
)
