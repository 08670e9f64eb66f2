"""``xueliang rules``: try a camera's rules on a recorded clip, before anybody is woken by them.

Exit codes: 0 done, whatever was found, 1 it could not be done, 2 the command or the settings are wrong.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any, NoReturn

import av
import typer

from configs.loader import SettingsFaults, load
from configs.rules import ObjectRule
from configs.schema import Camera, Settings
from detect.factory import DetectorPlan, open_store, plan_detector
from models.errors import ModelError
from xueliang.dry_run import ClipUnreadable, DryRun, Image, dry_run, why
from xueliang.surroundings import shared_folder, shared_models

app = typer.Typer(no_args_is_help=True, help="Rules: try them on a recorded clip.")


@app.callback()
def _group() -> None:
    """Keeps ``test`` a command of its own, while it is the only one."""


@app.command("test")
def rehearse(
    clip: Annotated[Path, typer.Argument(metavar="CLIP", help="Recorded video.")],
    config: Annotated[Path, typer.Option("--config", metavar="FILE", help="Settings file (YAML).")],
    camera: Annotated[str, typer.Option("--camera", metavar="ID", help="Whose zones, lines and rules to try.")],
    video: Annotated[
        Path | None, typer.Option("--video", metavar="OUT.mp4", help="Write the analysed pictures, annotated.")
    ] = None,
    at: Annotated[
        str | None,
        typer.Option("--at", metavar="TIME", help="When the clip begins, for schedules: 2026-10-01T22:00; now."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for a program to read.")] = False,
) -> None:
    """What the camera's rules would have told on this clip, when and why. Nothing is stored and nobody is told."""
    settings, chosen = _settings(config, camera)
    begins_at = _time(at, settings, chosen)
    try:
        store = open_store(settings.model, environ=os.environ, home=Path.home(), also=shared_models(shared_folder()))
        plan = plan_detector(settings.model, store, cores=1)
        with tempfile.TemporaryDirectory(prefix="xueliang-") as workdir, _film(video, chosen.detection.fps) as show:
            found = dry_run(clip, chosen, settings, plan, begins_at=begins_at, workdir=Path(workdir), show=show)
    except (ClipUnreadable, ModelError, ValueError, OSError) as error:
        _refuse(str(error), 1)
    if as_json:
        typer.echo(json.dumps(_as_data(found, clip, chosen, plan), ensure_ascii=False))
    else:
        typer.echo("\n".join(_as_lines(found, clip, chosen, plan)))


def _settings(config: Path, camera_id: str) -> tuple[Settings, Camera]:
    try:
        settings = load(config, os.environ)
    except SettingsFaults as faults:
        _refuse(str(faults), 2)
    camera = next((camera for camera in settings.cameras if camera.id == camera_id), None)
    if camera is None:
        known = ", ".join(camera.id for camera in settings.cameras[:10])
        _refuse(f"no camera {camera_id!r} in {config}; it has {known or 'none'}", 2)
    return settings, camera


def _time(text: str | None, settings: Settings, camera: Camera) -> float:
    """UTC epoch seconds; a time without an offset is of the site's zone."""
    if text is None:
        return time.time()
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        _refuse(f"--at {text!r}: want a time such as 2026-10-01T22:00", 2)
    return (moment if moment.tzinfo else moment.replace(tzinfo=settings.calendar_of(camera).zone)).timestamp()


class _Film:
    """An MP4 file (MPEG-4 part 2, which needs no licensed encoder) that is opened with its first picture."""

    def __init__(self, file: Path, fps: float) -> None:
        self._container = av.open(str(file), "w")
        self._rate = Fraction(fps).limit_denominator(1000)
        self._stream: av.VideoStream | None = None

    def show(self, image: Image) -> None:
        """Append a picture, uint8 (h, w, 3) BGR with even sides."""
        if self._stream is None:
            self._stream = self._container.add_stream("mpeg4", rate=self._rate)
            self._stream.height, self._stream.width = image.shape[:2]
            self._stream.pix_fmt = "yuv420p"
            self._stream.bit_rate = 2_000_000
        self._container.mux(self._stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24")))

    def close(self) -> None:
        """Finish the file."""
        if self._stream is not None:
            self._container.mux(self._stream.encode(None))
        self._container.close()


@contextmanager
def _film(file: Path | None, fps: float) -> Iterator[Any]:
    if file is None:
        yield None
        return
    film = _Film(file, fps)
    try:
        yield film.show
    finally:
        film.close()


def _as_lines(found: DryRun, clip: Path, camera: Camera, plan: DetectorPlan) -> list[str]:
    alarms = len({one.alarm for one in found.told})
    lines = [
        f"{clip.name} as {camera.id}: {found.seconds:.1f} s, {found.frames} pictures looked at by {plan.model_id}",
        f"{alarms} alarm{'s' if alarms != 1 else ''}, {len(found.told) - alarms} further hits merged into them",
    ]
    if plan.reason is not None:
        lines.append(plan.reason)
    width = max((len(one.event.rule_id) for one in found.told), default=0)
    lines += [f"{'at':>8}  {'alarm':<6} {'rule':<{width}}  why"] if found.told else []
    for one in found.told:
        word = f"{'+' if one.merged else '#'}{one.alarm}"
        lines.append(f"{one.at_s:>6.1f} s  {word:<6} {one.event.rule_id:<{width}}  {why(one.event)}")
    told = {one.event.rule_id for one in found.told}
    silent = [rule.id for rule in camera.rules if isinstance(rule, ObjectRule) and rule.id not in told]
    if silent:
        lines.append(f"told nothing: {', '.join(silent)}")
    if other := [rule.id for rule in camera.rules if not isinstance(rule, ObjectRule)]:
        lines.append(f"not tried, since a clip has no stream: {', '.join(other)}")
    return lines


def _as_data(found: DryRun, clip: Path, camera: Camera, plan: DetectorPlan) -> dict[str, Any]:
    counts = Counter((one.event.rule_id, one.event.direction) for one in found.told if one.event.direction)
    passages: dict[str, dict[str, int]] = {}
    for (rule_id, direction), number in counts.items():
        passages.setdefault(rule_id, {})[str(direction)] = number
    return {
        "clip": clip.name,
        "camera_id": camera.id,
        "model_id": plan.model_id,
        "seconds": round(found.seconds, 3),
        "pictures": found.frames,
        "passages": passages,
        "told": [
            {
                "at_s": one.at_s,
                "alarm": one.alarm,
                "merged": one.merged,
                "why": why(one.event),
                "event": one.event.model_dump(mode="json", exclude={"snapshot"}),
            }
            for one in found.told
        ],
    }


def _refuse(message: str, code: int) -> NoReturn:
    typer.echo(message, err=True)
    raise typer.Exit(code)
