"""What a database refuses at the start of a process is one line that says what to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from alerts.storage.database import SchemaTooNew
from configs.schema import Settings
from xueliang.preflight import CannotStart
from xueliang.surroundings import database_url


@contextmanager
def opening(settings: Settings) -> Iterator[None]:
    """Around opening and migrating the settings' database. Raises :class:`CannotStart`."""
    try:
        yield
    except (SchemaTooNew, ValueError) as error:
        raise CannotStart(f"event store: {error}") from None
    except DBAPIError as error:
        url = make_url(database_url(settings).get_secret_value())
        if url.get_backend_name() == "sqlite":
            raise CannotStart(
                f"event store: {url.database}: {error.orig}: make it a file that this account can write, "
                "put it back from a copy, or move it away to begin an empty one"
            ) from None
        # What the driver says may hold the whole address.
        raise CannotStart(
            f"event store: no database answers as DATABASE_URL says, at {url.host}:{url.port or 5432} "
            f"({type(error.orig).__name__}): start it, or correct the address, user and password"
        ) from None
