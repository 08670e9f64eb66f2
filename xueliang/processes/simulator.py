"""The demo's cameras: a simulator whose cameras stand in ``STATE_DIR/simulator.json``."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

from ingest.simulator.camera import PortError, SimCamera
from ingest.simulator.control import ControlServer
from ingest.simulator.encode import Profile, Profiles, cached_files
from ingest.simulator.server import Simulator
from ingest.simulator.source import ClipSource, SceneSource, Source, SourceError, scenes
from xueliang import logs
from xueliang.supervisor import run_files

PROFILES = Profiles(
    main=Profile(1280, 720, Fraction(25, 2), 1_000_000), sub=Profile(640, 360, Fraction(25, 2), 400_000)
)
"""A demo is prepared within half a minute on two cores; load tests take ``xueliang simulate``."""


def write_cast(state_dir: Path, cameras: Sequence[tuple[str, int, Path | None]]) -> None:
    """Say which cameras there are: id, port, and the clip each plays (None: a drawn scene)."""
    cast = [{"id": name, "port": port, "clip": None if clip is None else str(clip)} for name, port, clip in cameras]
    (state_dir / "simulator.json").write_text(json.dumps(cast, indent=1), "utf-8")


def read_cast(state_dir: Path) -> list[SimCamera]:
    """The cameras that :func:`write_cast` wrote."""
    cast = json.loads((state_dir / "simulator.json").read_text("utf-8"))
    drawn = iter(scenes(len(cast)))
    sources: list[Source] = []
    for one in cast:
        scene: SceneSource = next(drawn)
        sources.append(scene if one["clip"] is None else ClipSource(Path(one["clip"]), max_seconds=20))
    return [SimCamera(one["id"], source, port=one["port"]) for one, source in zip(cast, sources, strict=True)]


def cache_dir(state_dir: Path) -> Path:
    """Where the cameras' encoded video is kept."""
    return state_dir / "simulator"


def is_prepared(state_dir: Path) -> bool:
    """Whether the video of every camera of the cast lies encoded. Raises :class:`SourceError`."""
    files = (
        file for camera in read_cast(state_dir) for file in cached_files(camera.source, PROFILES, cache_dir(state_dir))
    )
    return all(file.exists() for file in files)


async def serve(state_dir: Path) -> None:
    """Serve until SIGTERM; announced when all cameras serve, so that none of them begins its life as a fault."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    simulator = Simulator(read_cast(state_dir), cache_dir(state_dir), profiles=PROFILES)
    try:
        await simulator.open()
        async with ControlServer(simulator, 0) as control:
            preparing = asyncio.create_task(simulator.ready())
            stopping = asyncio.create_task(stop.wait())
            await asyncio.wait({preparing, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if preparing.done():
                preparing.result()
                run_files.announce(state_dir, "simulator", None, public=control.url)
            await stop.wait()
            preparing.cancel()
    finally:
        await simulator.close()


def main() -> int:
    """The process."""
    parser = argparse.ArgumentParser(prog="xueliang demo simulator")
    parser.add_argument("--state-dir", type=Path, required=True)
    given = parser.parse_args()
    logs.configure("simulator")
    try:
        asyncio.run(serve(given.state_dir))
    except (PortError, SourceError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
