"""Clients of the Redis server, made in one way."""

from __future__ import annotations

from pydantic import SecretStr
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

TIMEOUT_S = 5.0
"""For connecting and for an answer; a blocking read asks for less."""


def connect(url: SecretStr | str, *, name: str) -> Redis:
    """A client that connects at its first command; answers are bytes in the shapes of RESP2.

    It does not retry by itself: its callers do, and know what may be sent twice. ``name`` is what ``CLIENT LIST``
    shows. Raises ``ValueError``, without the URL, where the URL is none.
    """
    secret = url.get_secret_value() if isinstance(url, SecretStr) else url
    try:
        return Redis.from_url(
            secret,
            protocol=2,
            client_name=name,
            socket_timeout=TIMEOUT_S,
            socket_connect_timeout=TIMEOUT_S,
            retry=Retry(NoBackoff(), 0),
            health_check_interval=0,
        )
    except ValueError:
        raise ValueError("redis_url: not an address of a Redis server; want redis://, rediss:// or unix://") from None
