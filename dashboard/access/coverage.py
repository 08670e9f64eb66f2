"""No route without a policy: looked at when the app is built, so that a forgotten one stops the start."""

from __future__ import annotations

from collections.abc import Iterator

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, APIWebSocketRoute, iter_route_contexts

from dashboard.access.guard import Admit, Require
from dashboard.policy import EXEMPT, Action


class Unguarded(RuntimeError):
    """Routes that ask nothing of the policy; each is named."""


def policies(app: FastAPI) -> dict[str, frozenset[Action]]:
    """Every route and websocket (``METHOD /path``) with the actions that it asks of the policy."""
    found: dict[str, frozenset[Action]] = {}
    for context in iter_route_contexts(app.routes):
        route = context.original_route
        if isinstance(route, APIWebSocketRoute):
            found[f"WS {route.path}"] = frozenset(_asked(route.dependant))
        elif isinstance(route, APIRoute):
            for method in route.methods or ():
                found[f"{method} {route.path}"] = frozenset(_asked(route.dependant))
        else:
            found[f"? {getattr(route, 'path', route)}"] = frozenset()
    return found


def require_policies(app: FastAPI) -> None:
    """Raises :class:`Unguarded` for routes that are neither guarded nor named in ``EXEMPT``."""
    bare = sorted(name for name, actions in policies(app).items() if not actions and name not in EXEMPT)
    if bare:
        raise Unguarded(f"no policy: {', '.join(bare)}; declare one with Require(Action.…) or Admit(Action.…)")


def _asked(dependant: Dependant) -> Iterator[Action]:
    for dependency in dependant.dependencies:
        if isinstance(dependency.call, Require | Admit):
            yield dependency.call.action
        yield from _asked(dependency)
