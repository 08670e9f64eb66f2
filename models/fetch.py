"""Opening a model's address over HTTPS."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import httpx

Opener = Callable[[str], AbstractContextManager[Iterator[bytes]]]
"""Opens an address and gives its bytes in chunks. Raises :class:`FetchError`, while opening or while reading."""


class FetchError(Exception):
    """The address could not be read; the text says why, without the address."""


@contextmanager
def open_https(address: str, *, transport: httpx.BaseTransport | None = None) -> Iterator[Iterator[bytes]]:
    """The production :data:`Opener`: redirects followed, 10 s to connect, 30 s without a byte end it."""
    timeout = httpx.Timeout(30.0, connect=10.0)
    try:
        with (
            httpx.Client(timeout=timeout, follow_redirects=True, transport=transport) as client,
            client.stream("GET", address) as response,
        ):
            if response.url.scheme != "https":
                raise FetchError("redirected away from https")
            if response.status_code != 200:
                raise FetchError(f"HTTP status {response.status_code}")
            yield response.iter_bytes()
    except httpx.TimeoutException as error:
        raise FetchError(f"no answer in time ({type(error).__name__})") from None
    except httpx.HTTPError as error:
        # A redirect's target may carry a signed query: the library's own text is not passed on.
        raise FetchError(f"connection failed ({type(error).__name__})") from None
