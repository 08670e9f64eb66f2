"""``xueliang simulate``: simulated RTSP cameras to develop against, to demonstrate with and to load-test with."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import sys
from contextlib import AsyncExitStack
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import httpx
import structlog
import typer

from ingest.simulator.camera import PortError, SimCamera
from ingest.simulator.control import ControlServer
from ingest.simulator.encode import Profile, Profiles
from ingest.simulator.fault import SimFault
from ingest.simulator.server import Simulator
from ingest.simulator.source import Source, SourceError, clips, scenes

app = typer.Typer(help="Simulated RTSP cameras with scenes, clips and faults.")

DEFAULT_CONTROL_PORT = 8550
PASSWORD_VARIABLE = "XUELIANG_SIMULATE_PASSWORD"  # noqa: S105 - the name of a variable


class Codec(StrEnum):
    """What the cameras send."""

    H264 = "h264"
    H265 = "h265"


class Auth(StrEnum):
    """RFC 7616 or RFC 7617."""

    DIGEST = "digest"
    BASIC = "basic"


@app.callback(invoke_without_command=True)
def simulate(
    context: typer.Context,
    cameras: Annotated[int, typer.Option(min=1, max=512, help="How many cameras.")] = 8,
    video: Annotated[Path | None, typer.Option(help="Folder of clips; each camera plays one, in turn.")] = None,
    use_scenes: Annotated[
        bool, typer.Option("--scenes", help="Drawn scenes where there are no more clips, instead of clips again.")
    ] = False,
    clip_seconds: Annotated[float, typer.Option(min=1, max=600, help="At most this much of a clip.")] = 30.0,
    main_size: Annotated[str, typer.Option(help="Main stream fits into this.")] = "1920x1080",
    main_kbps: Annotated[int, typer.Option(min=100, max=50_000, help="Main stream's bit rate.")] = 2000,
    host: Annotated[str, typer.Option(help="Address the cameras listen on.")] = "127.0.0.1",
    base_port: Annotated[int, typer.Option(min=0, max=65535, help="First camera's port; 0: any free ones.")] = 8554,
    control_port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the control API (loopback).")] = (
        DEFAULT_CONTROL_PORT
    ),
    codec: Annotated[Codec, typer.Option(help="Of both streams.")] = Codec.H264,
    username: Annotated[str | None, typer.Option(help="User; without it everybody may watch.")] = None,
    auth: Annotated[Auth, typer.Option(help="How the user is asked.")] = Auth.DIGEST,
    password_env: Annotated[str, typer.Option(help="Environment variable that holds the password.")] = (
        PASSWORD_VARIABLE
    ),
    cache_dir: Annotated[Path, typer.Option(help="Folder of the encoded video.")] = Path("var/simulator"),
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line: listening, camera, ready.")] = False,
) -> None:
    """Run cameras until Ctrl-C. Each has a port of its own with the streams /main and /sub."""
    if context.invoked_subcommand is not None:
        return
    _log_to_stderr()
    try:
        if base_port + cameras - 1 > 65535:
            raise typer.BadParameter(f"--base-port {base_port}: {cameras} cameras would pass port 65535")
        sources = _sources(cameras, video, use_scenes, clip_seconds)
        settings = [
            SimCamera(
                f"C{index}",
                source,
                username=username,
                password=_password(username, password_env),
                scheme="basic" if auth is Auth.BASIC else "digest",
                port=base_port + index - 1 if base_port else 0,
            )
            for index, source in enumerate(sources, 1)
        ]
        profiles = _profiles(_main_profile(main_size, main_kbps), codec)
        asyncio.run(_run(settings, cache_dir, host, control_port, profiles, as_json))
    except (PortError, SourceError, OSError) as error:
        typer.echo(f"xueliang simulate: {error}", err=True)
        raise typer.Exit(1) from None


@app.command()
def fault(
    camera: Annotated[str, typer.Argument(help="Camera id, as in the listing: C1, C2, …")],
    name: Annotated[str, typer.Argument(help=", ".join(SimFault))],
    control: Annotated[str, typer.Option(help="Address of the control API.")] = (
        f"http://127.0.0.1:{DEFAULT_CONTROL_PORT}"
    ),
) -> None:
    """Switch the fault of a running camera; ``none`` heals it."""
    try:
        # Without the environment's proxies: the address is on this machine.
        # Some faults are encoded first.
        with httpx.Client(trust_env=False, timeout=httpx.Timeout(60, connect=5)) as client:
            reply = client.put(f"{control.rstrip('/')}/cameras/{camera}/fault", json={"fault": name})
            answer = reply.json()
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        typer.echo(f"no simulator answers at {control} ({type(error).__name__}); see --control", err=True)
        raise typer.Exit(1) from None
    if reply.is_error:
        typer.echo(f"{answer['error']['message']}: {answer['error']['action']}", err=True)
        raise typer.Exit(2)
    typer.echo(f"{camera}: {answer['fault']}")


def _sources(count: int, video: Path | None, use_scenes: bool, clip_seconds: float) -> list[Source]:
    if video is None:
        return list(scenes(count))
    found: list[Source] = list(clips(video, clip_seconds))
    if use_scenes and len(found) < count:
        found += scenes(count - len(found))
    return [found[index % len(found)] for index in range(count)]


def _password(username: str | None, variable: str) -> str:
    if username is None:
        return ""
    password = os.environ.get(variable)
    if not password:
        raise typer.BadParameter(f"--username needs a password in the environment variable {variable}")
    return password


def _profiles(main: Profile, codec: Codec) -> Profiles:
    sub = Profiles().sub
    if codec is Codec.H265:
        main, sub = replace(main, codec="hevc"), replace(sub, codec="hevc")
    return Profiles(main=main, sub=sub)


def _main_profile(size: str, kbps: int) -> Profile:
    width, _, height = size.partition("x")
    if not (width.isdecimal() and height.isdecimal() and 16 <= int(width) <= 7680 and 16 <= int(height) <= 4320):
        raise typer.BadParameter(f"--main-size {size!r} is not WIDTHxHEIGHT")
    return Profile(int(width), int(height), Profiles().main.fps, kbps * 1000)


async def _run(
    settings: list[SimCamera], cache_dir: Path, host: str, control_port: int, profiles: Profiles, as_json: bool
) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)

    def say(kind: str, text: str, **values: Any) -> None:
        sys.stdout.write((json.dumps({"type": kind, **values}) if as_json else text) + "\n")
        sys.stdout.flush()

    def on_ready(camera_id: str) -> None:
        url = simulator.url(camera_id)
        say("camera", f"{camera_id} {url}", id=camera_id, urls=simulator.report(camera_id)["urls"])

    simulator = Simulator(settings, cache_dir, host=host, profiles=profiles, on_ready=on_ready)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(simulator.close)
        await simulator.open()
        control = await stack.enter_async_context(ControlServer(simulator, control_port))
        listing = [simulator.report(camera) for camera in simulator.cameras]
        say("listening", f"control: {control.url}", control=control.url, cameras=listing)
        ready = asyncio.create_task(simulator.ready())
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait({ready, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if ready.done():
            ready.result()
            listing = [simulator.report(camera) for camera in simulator.cameras]
            say("ready", f"{len(listing)} cameras ready; Ctrl-C stops them", control=control.url, cameras=listing)
            await stopped
        ready.cancel()
        stopped.cancel()
        say("stopping", "stopping")


def _log_to_stderr() -> None:
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
