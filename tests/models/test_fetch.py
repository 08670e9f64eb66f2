from __future__ import annotations

import socket

import httpx
import pytest

from models.fetch import FetchError, open_https

SECRET = "X-Signature=abcdef"


def test_redirects_are_followed_and_the_bytes_come() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/start":
            return httpx.Response(302, headers={"location": "https://files.example.org/model"})
        return httpx.Response(200, content=b"model bytes")

    with open_https("https://example.org/start", transport=httpx.MockTransport(answer)) as chunks:
        assert b"".join(chunks) == b"model bytes"


@pytest.mark.parametrize(
    ("location", "status", "told"),
    [
        (f"http://files.example.org/m?{SECRET}", 200, "away from https"),
        (f"https://files.example.org/m?{SECRET}", 404, "HTTP status 404"),
    ],
)
def test_what_is_refused_is_told_without_the_target(location: str, status: int, told: str) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/start":
            return httpx.Response(302, headers={"location": location})
        return httpx.Response(status, content=b"?")

    with (
        pytest.raises(FetchError, match=told) as caught,
        open_https("https://example.org/start", transport=httpx.MockTransport(answer)),
    ):
        pass
    assert SECRET not in str(caught.value)


def test_a_line_that_breaks_while_reading_is_a_fetch_error() -> None:
    class Breaking(httpx.SyncByteStream):
        def __iter__(self):  # type: ignore[no-untyped-def]  # httpx's own signature
            yield b"half"
            raise httpx.ReadError("reset by peer")

    transport = httpx.MockTransport(lambda request: httpx.Response(200, stream=Breaking()))
    with (
        pytest.raises(FetchError, match="ReadError"),
        open_https("https://example.org/", transport=transport) as chunks,
    ):
        list(chunks)


def test_nobody_listening_is_told_at_once() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        with (
            pytest.raises(FetchError, match="connection failed"),
            open_https(f"https://127.0.0.1:{held.getsockname()[1]}/"),
        ):
            pass
