"""Starts the processes of a node in stages, keeps them running, stops them in the reverse order."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from xueliang.supervisor.child import Child, StartFailed

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Stage:
    """Children that start together, when those of the stages before are ready."""

    children: tuple[Child, ...]


class Supervisor:
    """``stages`` in starting order; ``stop_order`` names all children in stopping order, those of a group together."""

    def __init__(self, stages: Sequence[Stage], stop_order: Sequence[Sequence[str]]) -> None:
        self.stages = tuple(stages)
        self.children = {child.spec.name: child for stage in stages for child in stage.children}
        if sorted(name for group in stop_order for name in group) != sorted(self.children):
            raise ValueError(f"stop order {list(stop_order)} does not name each of {sorted(self.children)} once")
        self._stop_order = tuple(tuple(group) for group in stop_order)

    async def start(self) -> None:
        """Start all. Raises :class:`~xueliang.supervisor.child.StartFailed`; what ran by then is stopped again."""
        try:
            for stage in self.stages:
                async with asyncio.TaskGroup() as group:
                    for child in stage.children:
                        group.create_task(child.start())
        except* StartFailed as failures:
            await self.stop()
            raise failures.exceptions[0] from None

    async def stop(self) -> None:
        """Stop all, in order, each within its own limit."""
        for group in self._stop_order:
            await asyncio.gather(*(self.children[name].stop() for name in group))
