"""``xueliang cameras``: open cameras as a worker would, and say what is wrong with them.

Exit codes: 0 all good, 1 some camera has a fault, 2 the command or the settings are wrong.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal, NoReturn

import typer
from pydantic import SecretStr, ValidationError

from configs.loader import SettingsFaults, load
from configs.schema import Camera, ModelSettings, StreamSettings
from ingest.frame import StreamName
from ingest.rtsp.address import Address
from ingest.stream_choice import PixelNeed, smallest_object
from models.errors import ModelError
from models.manifest import ModelInput, shipped_manifest
from models.store import ModelStore, user_store
from xueliang.probe.advice import Analysed, suggestions
from xueliang.probe.report import CameraReport, StreamReport, as_data, as_lines
from xueliang.probe.session import ProbeLimits, probe_stream

app = typer.Typer(no_args_is_help=True, help="Cameras: open their streams and say what is wrong with them.")

AT_A_TIME = 8
"""Streams that are open at once; each is decoded, which costs up to a seventh of a core."""


@dataclass(frozen=True, slots=True)
class Target:
    """One camera to probe. ``sub_expected``: it has no sub stream and might; ``analysed``: what the detector takes."""

    id: str
    streams: tuple[tuple[StreamName, Address], ...]
    sub_expected: bool = False
    analysed: Analysed | None = None


@app.callback()
def _group() -> None:
    """Keeps ``probe`` a command of its own, while it is the only one."""


@app.command("probe")
def probe(
    cameras: Annotated[
        list[str] | None, typer.Argument(metavar="[CAMERA_ID]...", help="Cameras of the settings; default: all.")
    ] = None,
    config: Annotated[Path | None, typer.Option("--config", metavar="FILE", help="Settings file (YAML).")] = None,
    url: Annotated[
        str | None,
        typer.Option("--url", metavar="URL", help="Instead of --config: one stream, rtsp://HOST[:PORT]/PATH."),
    ] = None,
    username: Annotated[str | None, typer.Option("--username", help="With --url: the camera's user.")] = None,
    password_env: Annotated[
        str | None,
        typer.Option("--password-env", metavar="NAME", help="With --url: environment variable with the password."),
    ] = None,
    transport: Annotated[
        Literal["tcp", "udp"], typer.Option("--transport", help="With --url: what carries the packets.")
    ] = "tcp",
    timeout: Annotated[
        float, typer.Option("--timeout", min=1, max=120, help="Longest time for a stream, seconds.")
    ] = ProbeLimits().timeout_s,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for a program to read.")] = False,
) -> None:
    """Open the streams of cameras, watch each for some seconds, and say what is wrong and what to correct."""
    if (config is None) == (url is None):
        _refuse("give either --config FILE or --url URL")
    if url is not None:
        if cameras:
            _refuse("CAMERA_ID belongs to --config; --url probes one stream")
        targets = [_target_of_url(url, username, password_env, transport, os.environ)]
    else:
        if username is not None or password_env is not None:
            _refuse("--username and --password-env belong to --url; the settings name their own credentials")
        assert config is not None
        targets = _targets_of_settings(config, cameras or [], os.environ)
    reports = []
    for report in probe_all(targets, replace(ProbeLimits(), timeout_s=timeout)):
        reports.append(report)
        if not as_json:
            typer.echo("\n".join(as_lines(report)))
    if as_json:
        typer.echo(json.dumps({"cameras": [as_data(report) for report in reports]}, ensure_ascii=False, indent=2))
    elif len(reports) != 1:
        bad = sum(not report.good for report in reports)
        typer.echo(f"{len(reports)} cameras: {len(reports) - bad} good, {bad} with a fault")
    raise typer.Exit(int(any(not report.good for report in reports)))


def probe_all(targets: Sequence[Target], limits: ProbeLimits) -> Iterator[CameraReport]:
    """Probe all streams, :data:`AT_A_TIME` at once; reports in the order of the targets, each when it is whole."""
    stopping = threading.Event()
    pool = ThreadPoolExecutor(AT_A_TIME, thread_name_prefix="probe")
    try:
        running: list[list[Future[StreamReport]]] = [
            [pool.submit(probe_stream, name, address, limits, stopping) for name, address in target.streams]
            for target in targets
        ]
        for target, futures in zip(targets, running, strict=True):
            streams = tuple(future.result() for future in futures)
            advice = suggestions(streams, sub_expected=target.sub_expected, analysed=target.analysed)
            yield CameraReport(target.id, streams, advice)
    finally:
        stopping.set()
        pool.shutdown(wait=True, cancel_futures=True)


def target_of(camera: Camera, model_input: ModelInput | None = None) -> Target:
    """The camera's streams, main first, with its credentials. ``model_input``: of the detector, where it is known."""
    names: tuple[StreamName, ...] = ("main", "sub") if camera.sub is not None else ("main",)
    wanted = camera.detection
    analysed = Analysed("main" if camera.sub is None or wanted.stream == "main" else "sub", wanted.fps)
    if model_input is not None and wanted.stream == "auto" and camera.sub is not None:
        analysed = replace(analysed, need=PixelNeed(model_input, smallest_object(camera)))
    given = camera.credentials
    user, password = (given.username, given.password) if given is not None else ("", SecretStr(""))
    return Target(
        camera.id,
        tuple(
            (name, Address(camera.stream(name).url, user, password, camera.stream(name).transport)) for name in names
        ),
        sub_expected=camera.sub is None,
        analysed=analysed if wanted.enabled else None,
    )


def _targets_of_settings(config: Path, wanted: Sequence[str], environ: Mapping[str, str]) -> list[Target]:
    try:
        settings = load(config, environ)
    except SettingsFaults as faults:
        typer.echo(str(faults), err=True)
        raise typer.Exit(2) from None
    known = {camera.id: camera for camera in settings.cameras}
    unknown = [each for each in wanted if each not in known]
    if unknown:
        _refuse(f"{config} has no camera {', '.join(unknown)}; it has {', '.join(known) or 'none'}")
    if not known:
        _refuse(f"{config} has no cameras")
    model_input = _input_of(settings.model, environ)
    return [target_of(known[each], model_input) for each in dict.fromkeys(wanted or known)]


def _input_of(model: ModelSettings, environ: Mapping[str, str]) -> ModelInput | None:
    """``None`` for motion only, and where the manifest does not know the model: what it is says another command."""
    store = ModelStore(model.store or user_store(environ, Path.home()), shipped_manifest(), opener=None)
    try:
        return store.manifest().entry(model.id).input
    except ModelError:
        return None


def _target_of_url(
    url: str,
    username: str | None,
    password_env: str | None,
    transport: Literal["tcp", "udp"],
    environ: Mapping[str, str],
) -> Target:
    try:
        address = StreamSettings(url=url).url
    except ValidationError:
        # Neither the URL nor pydantic's text is shown: both may hold the password.
        if "@" in url:
            _refuse("--url holds a user or a password: take them out, give --username NAME and --password-env VARIABLE")
        _refuse("--url: want rtsp://HOST[:PORT]/PATH")
    if (username is None) != (password_env is None):
        _refuse("--username and --password-env belong together")
    password = ""
    if password_env is not None:
        password = environ.get(password_env, "")
        if not password:
            _refuse(f"--password-env: the environment has no variable {password_env}")
    return Target("(url)", (("main", Address(address, username or "", SecretStr(password), transport)),))


def _refuse(line: str) -> NoReturn:
    typer.echo(f"xueliang cameras probe: {line}", err=True)
    raise typer.Exit(2)
