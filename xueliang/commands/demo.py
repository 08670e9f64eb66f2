"""``xueliang demo``: the whole system on simulated cameras. ``PORT``, ``STATE_DIR`` and ``VIDEO`` change it."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import sys
import time
from collections.abc import Mapping
from contextlib import redirect_stderr
from importlib.util import find_spec
from pathlib import Path

import websockets

from alerts.delivery.connection import connect
from alerts.health import HealthBoard
from alerts.storage.database import open_engine
from configs.loader import load
from configs.schema import ModelSettings, Settings, StreamSettings
from dashboard.accounts import AccountExists, AccountStore
from dashboard.policy import Role
from ingest.simulator.source import SourceError, clips, scenes
from models.errors import ModelError
from models.fetch import open_https
from models.manifest import shipped_manifest
from models.store import ModelStore, user_store
from xueliang import logs
from xueliang.commands.up import run_node
from xueliang.demo.county import DESKS, RECORDED, as_yaml, demo_settings
from xueliang.demo.model import demo_model
from xueliang.demo.scenes import watch
from xueliang.node import Node
from xueliang.preflight import CannotStart, check_port, free_ports
from xueliang.processes.simulator import is_prepared, write_cast
from xueliang.supervisor import run_files
from xueliang.supervisor.child import ChildSpec, announced
from xueliang.surroundings import database_url, shared_folder, shared_models

CAMERAS = 9
SCENES = "scenes"
"""As ``VIDEO``: drawn scenes and the model for them, also where there are clips."""
PREPARE_S = 600.0  # encoding on a machine slower than any that the wall is bearable on
ACCOUNTS = (
    ("operator", Role.OPERATOR, "值班员", "*"),
    ("leader", Role.SHIFT_LEADER, "班长", "*"),
    ("liuhe", Role.OPERATOR, "柳河值班员", "liuhe"),
    ("shiqiao", Role.OPERATOR, "石桥值班员", "shiqiao"),
    ("engineer", Role.ENGINEER, "工程师", "*"),
    ("admin", Role.ADMINISTRATOR, "管理员", "*"),
)


def run(environ: Mapping[str, str]) -> None:
    """Run until Ctrl-C. Raises ``CannotStart`` for what stands in the way."""
    state_dir = Path(environ.get("STATE_DIR") or "var/demo").absolute()
    port_text = environ.get("PORT") or "8000"
    if not port_text.isdecimal() or int(port_text) > 65535:
        raise CannotStart(f"PORT is {port_text!r}: want a number up to 65535")
    check_port("127.0.0.1", int(port_text))
    try:
        state_dir.mkdir(parents=True, exist_ok=True)
        log = (state_dir / "demo.log").open("a", buffering=1, encoding="utf-8")
    except OSError as error:
        raise CannotStart(
            f"the state folder {state_dir} cannot be written: {error.strerror}; set another (STATE_DIR)"
        ) from None
    settings, config = _prepare(environ, state_dir, int(port_text))
    passwords = _accounts(settings)
    simulator = ChildSpec(
        "simulator",
        (sys.executable, "-m", "xueliang.processes.simulator", "--state-dir", str(state_dir)),
        announced(state_dir, "simulator"),
        start_s=PREPARE_S,
    )
    run_files.forget(state_dir, "simulator")

    async def tell(node: Node, wall: str, _control: str) -> None:
        await _first_tile(node.redis_url)
        print(f"wall ready: {wall}", flush=True)  # noqa: T201 - the contract of the command
        for name, password in passwords.items():
            print(f"  {name:<10} {password}", flush=True)  # noqa: T201

    print(f"starting; the log is {state_dir / 'demo.log'}", flush=True)  # noqa: T201
    if not is_prepared(state_dir):
        print("encoding the cameras' video: half a minute, at the first start only", flush=True)  # noqa: T201
    with log, redirect_stderr(log):
        logs.configure("supervisor")
        asyncio.run(run_node(settings, config, tell, also=(simulator,), fresh=True))


def _prepare(environ: Mapping[str, str], state_dir: Path, port: int) -> tuple[Settings, Path]:
    asked = environ.get("VIDEO") or ""
    shared = None if asked == SCENES else shared_folder()
    video = Path(asked) if asked not in {"", SCENES} else None if shared is None else shared / "video"
    found: list[Path] = []
    if video is not None and (video.is_dir() or asked):
        try:
            found = [clip.path for clip in clips(video)]
        except SourceError as error:
            raise CannotStart(f"VIDEO: {error}") from None
    spec = find_spec("configs")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    county = load(Path(next(iter(spec.submodule_search_locations))) / "examples" / "county.yaml", {})
    ports = free_ports(CAMERAS)
    streams = [
        (StreamSettings(url=f"rtsp://127.0.0.1:{one}/main"), StreamSettings(url=f"rtsp://127.0.0.1:{one}/sub"))
        for one in ports
    ]
    shown: list[Path | None] = [*found[:CAMERAS], *[None] * (CAMERAS - len(found))]
    watched = [watch(scene) if clip is None else None for scene, clip in zip(scenes(CAMERAS), shown, strict=True)]
    settings = demo_settings(
        county, streams, state_dir=state_dir, port=port, watched=watched, recording=RECORDED, desks=DESKS
    )
    settings = settings.model_copy(update={"model": _model(settings.model, environ, shared, drawn=not found)})
    config = state_dir / "demo.yaml"
    config.write_text(as_yaml(settings), "utf-8")
    write_cast(
        state_dir, [(camera.id, one, clip) for camera, one, clip in zip(settings.cameras, ports, shown, strict=True)]
    )
    return load(config, environ), config


def _model(wanted: ModelSettings, environ: Mapping[str, str], shared: Path | None, *, drawn: bool) -> ModelSettings:
    """What looks at the pictures. Says it where that is not what the settings want."""
    folder = wanted.store or user_store(environ, Path.home())
    opener = open_https if wanted.allow_pull else None
    store = ModelStore(folder, shipped_manifest(), also=shared_models(shared), opener=opener)
    try:
        chosen = demo_model(wanted, store, drawn=drawn)
    except ModelError as error:
        raise CannotStart(f"model: {error}") from None
    if chosen.id != wanted.id:
        print(f"model {wanted.id} cannot be had: {chosen.id} serves,", flush=True)  # noqa: T201
        print("which comes with the product and knows the demo's drawn scenes and nothing else", flush=True)  # noqa: T201
    return chosen


def _accounts(settings: Settings) -> dict[str, str]:
    """The demo's accounts, made at the first start; the passwords stay in a file only its owner reads."""
    file = settings.state_dir / "demo-accounts.json"
    passwords: dict[str, str] = json.loads(file.read_text("utf-8")) if file.is_file() else {}
    engine = open_engine(database_url(settings))
    accounts = AccountStore(engine, time.time)
    accounts.migrate()
    for username, role, display_name, region in ACCOUNTS:
        password = passwords.setdefault(username, secrets.token_urlsafe(9))
        try:
            accounts.add(username, password, role, (region,), display_name)
        except AccountExists:
            continue
    file.touch(mode=0o600)
    file.write_text(json.dumps(passwords), "utf-8")
    engine.dispose()
    return passwords


async def _first_tile(redis_url: str) -> None:
    """Return when the live channel of some camera has brought a picture."""
    board = HealthBoard(connect(redis_url, name="demo"))
    while True:
        workers = await asyncio.to_thread(board.read_workers)
        health = await asyncio.to_thread(board.read_health)
        live = [camera for camera, entry in health.items() if entry.phase == "live" and not entry.silent(time.time())]
        for worker in workers.values():
            for camera in live:
                if camera in worker.cameras and await _shows(f"{worker.url.replace('http', 'ws', 1)}/live/{camera}"):
                    return
        await asyncio.sleep(0.1)


async def _shows(url: str) -> bool:
    try:
        async with (
            asyncio.timeout(3),
            websockets.connect(url, compression=None, max_size=None, proxy=None, close_timeout=0.1) as socket,
        ):
            pictures = 0
            async for message in socket:
                pictures += isinstance(message, bytes)
                if pictures >= 2:  # the init segment, and a picture
                    return True
    except (OSError, TimeoutError, websockets.WebSocketException):
        return False
    return False


def main() -> None:
    """For ``python -m``."""
    run(os.environ)
