"""Whoever is logged in, and what they cover."""

from __future__ import annotations

from dataclasses import dataclass

from dashboard.accounts import Account
from dashboard.policy import GRANTS, Action, Role, permitted
from dashboard.regions import Scope


@dataclass(frozen=True, slots=True)
class Viewer:
    """A live session's account and what it covers. Two viewers with equal ``rights`` see the same."""

    account: Account
    scope: Scope
    session: str

    @property
    def role(self) -> Role:
        return self.account.role

    @property
    def actions(self) -> frozenset[Action]:
        return GRANTS[self.role]

    @property
    def rights(self) -> tuple[Role, Scope]:
        return self.role, self.scope

    def may(self, action: Action, region: str | None = None) -> bool:
        return permitted(self, action, region)
