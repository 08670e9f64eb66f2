"""argon2id (RFC 9106) over the library's low-memory profile of the RFC: 64 MiB, 3 passes, 4 lanes."""

from __future__ import annotations

import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

MIN_LENGTH = 10


class Passwords:
    """Hashes and checks. A check takes as long for an unknown account as for a known one."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._nobody = self._hasher.hash(secrets.token_urlsafe(32))

    def hash(self, password: str) -> str:
        """Raises ``ValueError`` for a password that is too short."""
        if len(password) < MIN_LENGTH:
            raise ValueError(f"the password has {len(password)} characters; it needs at least {MIN_LENGTH}")
        return self._hasher.hash(password)

    def verify(self, stored: str | None, password: str) -> bool:
        """``stored`` is ``None`` for an unknown account: the work is done all the same."""
        try:
            self._hasher.verify(self._nobody if stored is None else stored, password)
        except (VerificationError, InvalidHashError):
            return False
        return stored is not None
