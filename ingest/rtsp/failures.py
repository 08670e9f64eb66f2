"""The log of a stream's failures: the same failure again and again is said at the powers of two of its repeats."""

from __future__ import annotations

import structlog

from ingest.state import Fault


class FailureLog:
    """Used by the reader's thread only. ``log`` is bound to the stream.

    A session that brought pictures and did not last is no end of a failure: a camera that flaps fills no log.
    """

    def __init__(self, log: structlog.typing.FilteringBoundLogger) -> None:
        self._log = log
        self._last: tuple[Fault, str] | None = None
        self._same = 0
        self._attempts = 0
        self._told = True

    def failed(self, fault: Fault, detail: str, retry_in_s: float, *, settled: bool) -> None:
        """A session ended, or could not be opened. ``settled``: it had lasted, and what was before it is over."""
        repeated = self._last == (fault, detail) and not settled
        self._same = self._same + 1 if repeated else 1
        self._last = (fault, detail)
        self._attempts += 1
        self._told = self._same & (self._same - 1) == 0
        if self._told:
            self._log.warning(
                "ingest.session_failed",
                fault=str(fault),
                detail=detail,
                attempts=self._same,
                retry_in_s=round(retry_in_s, 2),
            )

    def picture(self) -> None:
        """A good picture came."""
        if self._attempts and self._told:
            self._log.info("ingest.session_recovered", attempts=self._attempts)
        self._attempts = 0
