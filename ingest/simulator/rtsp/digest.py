"""Digest access authentication, the server's side (RFC 2617 and RFC 7616), as cameras do it in RTSP.

Nonces are stateless: a time and its HMAC under a key of this process. A right answer to an old nonce is told
``stale=true``, so that a client answers again without asking its user. Replay inside a nonce's life is not detected,
as in the cameras simulated; there is nothing here worth replaying.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal
from urllib.parse import urlsplit

Algorithm = Literal["MD5", "SHA-256"]

_HASHES: Final[Mapping[str, str]] = {"MD5": "md5", "SHA-256": "sha256"}
_PARAMETER: Final = re.compile(r'([A-Za-z][A-Za-z0-9_-]*)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))\s*(?:,\s*|$)')


@dataclass(frozen=True, slots=True)
class Verdict:
    """``accepted``, or else whether only the nonce was too old."""

    accepted: bool
    stale: bool = False


@dataclass(frozen=True, slots=True)
class DigestGuard:
    """Who may in. ``algorithms`` are offered in this order, strongest first where there are two (RFC 7616, 3.7).

    ``now`` gives seconds of any steady clock; nonces live ``nonce_life_s``.
    """

    username: str
    password: str = field(repr=False)
    now: Callable[[], float]
    realm: str = "IP Camera"
    algorithms: tuple[Algorithm, ...] = ("MD5",)
    nonce_life_s: float = 300.0
    _key: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)

    def challenges(self, *, stale: bool = False) -> tuple[str, ...]:
        """Values for WWW-Authenticate, one an algorithm."""
        nonce = self._nonce(int(self.now() * 1000))
        tail = ", stale=true" if stale else ""
        return tuple(
            f'Digest realm="{self.realm}", nonce="{nonce}", algorithm={algorithm}, qop="auth"{tail}'
            for algorithm in self.algorithms
        )

    def verify(self, method: str, uri: str, authorization: str) -> Verdict:
        """Judge an Authorization header. Both with ``qop`` and without it (RFC 2069's form, which GStreamer sends)."""
        given = parse_authorization(authorization)
        algorithm = given.get("algorithm", "MD5").upper()
        if algorithm not in self.algorithms or given.get("realm") != self.realm:
            return Verdict(False)
        if not _same_resource(given.get("uri", ""), uri):
            return Verdict(False)
        nonce = given.get("nonce", "")
        made_at = self._made_at(nonce)
        if made_at is None:
            return Verdict(False)
        expected = digest_response(given, algorithm, self.password, method)
        right_user = hmac.compare_digest(given.get("username", "").encode(), self.username.encode())
        right_response = hmac.compare_digest(given.get("response", "").lower().encode(), expected.encode())
        if not (right_user and right_response):
            return Verdict(False)
        stale = self.now() - made_at > self.nonce_life_s
        return Verdict(not stale, stale)

    def _nonce(self, made_at_ms: int) -> str:
        stamp = f"{made_at_ms:012x}"
        return stamp + hmac.new(self._key, stamp.encode(), "sha256").hexdigest()[:32]

    def _made_at(self, nonce: str) -> float | None:
        """When this process made the nonce, seconds of ``now``; ``None`` if it did not."""
        if not re.fullmatch(r"[0-9a-f]{44}", nonce):
            return None
        made_at_ms = int(nonce[:12], 16)
        return made_at_ms / 1000 if hmac.compare_digest(self._nonce(made_at_ms), nonce) else None


def parse_authorization(value: str) -> dict[str, str]:
    """Parameters of ``Digest …``, names lower-case, quotes and escapes undone; empty if it is anything else."""
    scheme, _, rest = value.strip().partition(" ")
    if scheme.lower() != "digest":
        return {}
    found: dict[str, str] = {}
    rest, position = rest.strip(), 0
    while position < len(rest):
        match = _PARAMETER.match(rest, position)
        if match is None:
            return {}
        name, quoted, bare = match.groups()
        found[name.lower()] = bare if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
        position = match.end()
    return found


def digest_response(given: Mapping[str, str], algorithm: str, password: str, method: str) -> str:
    """The response that RFC 7616, 3.4.1 asks for, lower-case hex; ``given`` holds the client's own parameters."""

    def digest(*parts: str) -> str:
        return hashlib.new(_HASHES[algorithm], ":".join(parts).encode(), usedforsecurity=False).hexdigest()

    ha1 = digest(given.get("username", ""), given.get("realm", ""), password)
    ha2 = digest(method, given.get("uri", ""))
    if given.get("qop"):
        return digest(
            ha1, given.get("nonce", ""), given.get("nc", ""), given.get("cnonce", ""), given.get("qop", ""), ha2
        )
    return digest(ha1, given.get("nonce", ""), ha2)


def _same_resource(claimed: str, requested: str) -> bool:
    """Whether the digest's uri names the requested resource, or the presentation above it.

    Clients sign the request's URI, its path alone, or the presentation's URL for each of its tracks.
    """
    try:
        ours, theirs = (urlsplit(value).path.rstrip("/") for value in (requested, claimed))
    except ValueError:
        return False
    return bool(claimed) and (ours == theirs or ours.startswith(theirs + "/"))
