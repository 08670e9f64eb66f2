"""Basic access authentication, the server's side (RFC 7617), as old cameras do it in RTSP."""

from __future__ import annotations

import base64
import binascii
import hmac
from dataclasses import dataclass, field
from typing import Protocol

from ingest.simulator.rtsp.digest import Verdict


class Guard(Protocol):
    """Asks who comes in."""

    def challenges(self, *, stale: bool = False) -> tuple[str, ...]:
        """Values for WWW-Authenticate."""

    def verify(self, method: str, uri: str, authorization: str) -> Verdict:
        """Judge an Authorization header."""


@dataclass(frozen=True, slots=True)
class BasicGuard:
    """One user, one password."""

    username: str
    password: str = field(repr=False)
    realm: str = "IP Camera"

    def challenges(self, *, stale: bool = False) -> tuple[str, ...]:  # noqa: ARG002 - nothing grows old here
        """See :class:`Guard`."""
        return (f'Basic realm="{self.realm}", charset="UTF-8"',)

    def verify(self, method: str, uri: str, authorization: str) -> Verdict:  # noqa: ARG002 - the same everywhere
        """See :class:`Guard`."""
        scheme, _, token = authorization.strip().partition(" ")
        if scheme.lower() != "basic":
            return Verdict(False)
        try:
            given = base64.b64decode(token.strip(), validate=True)
        except binascii.Error:
            return Verdict(False)
        return Verdict(hmac.compare_digest(given, f"{self.username}:{self.password}".encode()))
