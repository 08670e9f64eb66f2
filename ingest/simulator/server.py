"""The simulator: many cameras in one event loop, prepared in parallel, each served as soon as it is ready."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import structlog

from ingest.frame import StreamName
from ingest.simulator.camera import CameraServer, SimCamera, camera_timeline
from ingest.simulator.encode import PreparationCancelledError, Profiles, cache_key, cached_files, prepare
from ingest.simulator.encode_process import prepare_in_process
from ingest.simulator.fault import SimFault, parse_fault
from ingest.simulator.material import Material
from ingest.simulator.source import SceneSource

log = structlog.get_logger(__name__)


class UnknownCameraError(KeyError):
    """No camera of that id."""

    def __init__(self, camera_id: str, known: Sequence[str]) -> None:
        super().__init__(camera_id)
        self._text = f"camera {camera_id!r} is unknown; there are {', '.join(known)}"

    def __str__(self) -> str:
        return self._text


class Simulator:
    """Cameras that listen on ``host``. An async context manager: inside it, all of them are ready.

    ``clock`` gives UTC epoch seconds: where a loop stands and what sender reports say follow from it. ``on_ready`` is
    called with each camera's id when it begins to serve. At most ``workers`` sources are prepared at a time, clips in
    threads, scenes in ``processes`` of their own (by default where there is more than one).

    Raises :class:`ingest.simulator.camera.PortError`, :class:`ingest.simulator.source.SourceError`, or ``OSError`` for
    a cache folder that cannot be written.
    """

    def __init__(
        self,
        cameras: Sequence[SimCamera],
        cache_dir: Path,
        *,
        host: str = "127.0.0.1",
        clock: Callable[[], float] = time.time,
        profiles: Profiles | None = None,
        workers: int | None = None,
        processes: bool | None = None,
        on_ready: Callable[[str], None] | None = None,
    ) -> None:
        ids = [camera.id for camera in cameras]
        if len(set(ids)) != len(ids):
            raise ValueError(f"camera ids repeat: {', '.join(sorted(ids))}")
        self._settings = tuple(cameras)
        self._cache_dir = cache_dir
        self._host = host
        self._clock = clock
        self._profiles = profiles or Profiles()
        self._workers = workers or min(4, os.cpu_count() or 1)
        drawn = {camera.source for camera in cameras if isinstance(camera.source, SceneSource)}
        self._processes = len(drawn) > 1 if processes is None else processes
        self._on_ready = on_ready
        self._cancelled = threading.Event()
        self._cameras: dict[str, CameraServer] = {}
        self._preparing: list[asyncio.Task[None]] = []
        self._materials: dict[str, asyncio.Future[Material]] = {}
        self._executor: ThreadPoolExecutor | None = None

    async def __aenter__(self) -> Self:
        try:
            await self.open()
            await self.ready()
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def open(self) -> None:
        """Listen on every port (clients are told 503) and begin to prepare. Ports are known from here on."""
        loop = asyncio.get_running_loop()
        for index, settings in enumerate(self._settings):
            timeline = camera_timeline(index, loop.time, self._clock, self._profiles.sub.gop_s)
            timeline = replace(timeline, origin=timeline.origin + settings.phase_s)
            camera = CameraServer(settings, self._host, timeline)
            self._cameras[settings.id] = camera
            await camera.open()
        self._executor = ThreadPoolExecutor(self._workers, thread_name_prefix="simulator-prepare")
        shared = self._materials  # cameras with the same pictures share them
        for camera in self._cameras.values():
            key = cache_key(camera.settings.source, self._profiles)
            if key not in shared:
                shared[key] = loop.run_in_executor(self._executor, self._prepare, camera.settings)
            self._preparing.append(asyncio.create_task(self._serve(camera, shared[key])))

    async def ready(self) -> None:
        """Wait until every camera serves. Raises what preparation raised first."""
        await asyncio.gather(*self._preparing)

    async def close(self) -> None:
        """Stop preparing, close every port, cut every session."""
        self._cancelled.set()
        for task in self._preparing:
            task.cancel()
        await asyncio.gather(*self._preparing, return_exceptions=True)
        for camera in self._cameras.values():
            camera.close()
        # What they raise was raised by ready(), or is the cancellation asked for above.
        await asyncio.gather(*self._materials.values(), return_exceptions=True)
        if self._executor is not None:
            await asyncio.to_thread(self._executor.shutdown, wait=True, cancel_futures=True)
        await asyncio.sleep(0)  # aborted transports report their loss in the loop's next turn

    @property
    def cameras(self) -> tuple[str, ...]:
        """Ids, in order."""
        return tuple(camera.id for camera in self._settings)

    def url(self, camera_id: str, stream: StreamName = "main") -> str:
        """RTSP address without credentials. Raises :class:`UnknownCameraError`."""
        return self._camera(camera_id).url(stream)

    async def set_fault(self, camera_id: str, fault: SimFault | str) -> None:
        """Switch a camera's fault. Raises :class:`UnknownCameraError`, or ``UnsupportedFaultError`` by name."""
        await self._camera(camera_id).set_fault(parse_fault(fault))

    def captured_at(self, camera_id: str, number: int, before: float) -> float:
        """See :meth:`ingest.simulator.camera.CameraServer.captured_at`."""
        return self._camera(camera_id).captured_at(number, before)

    def report(self, camera_id: str) -> dict[str, Any]:
        """URLs, source, fault, viewers and counters of a camera, as plain JSON data without credentials."""
        return self._camera(camera_id).report()

    def _camera(self, camera_id: str) -> CameraServer:
        try:
            return self._cameras[camera_id]
        except KeyError:
            raise UnknownCameraError(camera_id, self.cameras) from None

    def _prepare(self, settings: SimCamera) -> Material:
        began = time.monotonic()
        source, cancelled = settings.source, self._cancelled.is_set
        missing = not all(file.exists() for file in cached_files(source, self._profiles, self._cache_dir))
        if missing and self._processes and isinstance(source, SceneSource):
            self._cache_dir.mkdir(parents=True, exist_ok=True)
            prepare_in_process(source, self._profiles, self._cache_dir, cancelled)
        material = prepare(source, self._profiles, self._cache_dir, cancelled)
        log.info("simulator.prepared", source=source.title, took_s=round(time.monotonic() - began, 2))
        return material

    async def _serve(self, camera: CameraServer, material: asyncio.Future[Material]) -> None:
        try:
            # Shielded: the work is shared, and one camera's cancellation must not take it from the others.
            camera.load(await asyncio.shield(material))
        except PreparationCancelledError:
            return
        if self._on_ready is not None:
            self._on_ready(camera.settings.id)
