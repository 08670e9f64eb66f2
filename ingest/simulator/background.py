"""A simulator in a thread of its own, for callers without an event loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from ingest.frame import StreamName
from ingest.simulator.camera import SimCamera
from ingest.simulator.encode import Profiles
from ingest.simulator.fault import SimFault
from ingest.simulator.server import Simulator

T = TypeVar("T")


class SimulatorThread:
    """A context manager around :class:`Simulator`; its methods may be called from any thread.

    Entering waits until every camera serves, and raises what the simulator raises.
    """

    def __init__(
        self,
        cameras: list[SimCamera],
        cache_dir: Path,
        *,
        clock: Callable[[], float] | None = None,
        profiles: Profiles | None = None,
    ) -> None:
        arguments: dict[str, Any] = {"profiles": profiles}
        if clock is not None:
            arguments["clock"] = clock
        self._simulator = Simulator(cameras, cache_dir, **arguments)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="simulator", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        try:
            self._call(self._simulator.__aenter__())
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._call(self._simulator.close())
        finally:
            self._stop()

    def url(self, camera_id: str, stream: StreamName = "main") -> str:
        """See :meth:`Simulator.url`."""
        return self._simulator.url(camera_id, stream)

    def set_fault(self, camera_id: str, fault: SimFault | str) -> None:
        """See :meth:`Simulator.set_fault`; returns when it has taken effect."""
        self._call(self._simulator.set_fault(camera_id, fault))

    def captured_at(self, camera_id: str, number: int, before: float) -> float:
        """See :meth:`ingest.simulator.camera.CameraServer.captured_at`."""
        return self._simulator.captured_at(camera_id, number, before)

    def report(self, camera_id: str) -> dict[str, Any]:
        """See :meth:`Simulator.report`."""

        async def ask() -> dict[str, Any]:
            return self._simulator.report(camera_id)

        return self._call(ask())

    def _call(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def _run(self) -> None:
        try:
            self._loop.run_forever()
        finally:
            self._loop.run_until_complete(self._loop.shutdown_default_executor())
            self._loop.close()

    def _stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
