"""Slows down whoever guesses passwords: a growing wait per account and address, and one per address."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

FREE_TRIES = 3
ADDRESS_TRIES = 20
MAX_WAIT_S = 300.0
_FORGET_S = 3600.0
_REMEMBERED = 10_000


@dataclass(slots=True)
class _Failures:
    count: int
    last_at: float


class LoginGuard:
    """After :data:`FREE_TRIES` failures the wait is 1, 2, 4 … s up to :data:`MAX_WAIT_S`; a success clears it.

    Guesses over many accounts from one address are slowed after :data:`ADDRESS_TRIES`. Memory is bounded: the keys
    touched longest ago are forgotten first. Per process; a restart forgets, which costs an attacker nothing less than
    the argon2id work of each guess.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._failures: OrderedDict[tuple[str, str], _Failures] = OrderedDict()

    def wait_s(self, username: str, address: str) -> float:
        """Seconds until this account may be tried from this address; 0 when at once."""
        now = self._clock()
        return max(
            self._wait((username.casefold(), address), FREE_TRIES, now), self._wait(("", address), ADDRESS_TRIES, now)
        )

    def charge(self, username: str, address: str) -> None:
        """Counts a try as failed before its password is checked, so that many at once gain nothing."""
        now = self._clock()
        for key in ((username.casefold(), address), ("", address)):
            known = self._failures.pop(key, None)
            count = known.count + 1 if known is not None and now - known.last_at < _FORGET_S else 1
            self._failures[key] = _Failures(count, now)
        while len(self._failures) > _REMEMBERED:
            self._failures.popitem(last=False)

    def succeeded(self, username: str, address: str) -> None:
        """Clears the account's failures from there and refunds the address its try."""
        self._failures.pop((username.casefold(), address), None)
        shared = self._failures.get(("", address))
        if shared is not None:
            shared.count -= 1

    def _wait(self, key: tuple[str, str], free: int, now: float) -> float:
        known = self._failures.get(key)
        if known is None or known.count < free:
            return 0.0
        wait = min(MAX_WAIT_S, 2.0 ** min(known.count - free, 16))
        return max(0.0, known.last_at + wait - now)
