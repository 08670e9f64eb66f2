"""What people and machines get wrong is told in one line that says what to do, and what is right goes on."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import redis
from playwright.sync_api import Page, expect
from websockets.sync.client import ClientConnection, connect

from alerts.bus import EVENTS_KEY, EventBus
from alerts.event import Candidate, Event
from alerts.event_id import new_event_id
from alerts.storage.database import open_engine
from alerts.store import EventStore
from configs.schema import Credentials, Severity, StreamSettings
from ingest.simulator.background import SimulatorThread
from models.manifest import Fit, Manifest, ModelEntry, ModelInput, dump_manifest
from models.store import USER_MANIFEST
from tests.detect.conftest import onnx_constants
from tests.system.browser import log_in, wait_all_move
from tests.system.running import ROOT, RunningNode, county, running, stored, wait_for
from xueliang.preflight import free_ports
from xueliang.surroundings import database_url

pytestmark = pytest.mark.system


def up(config: Path, **environ: str) -> tuple[int, list[str]]:
    """``xueliang up`` to its end; its exit code and what a person reads: all but the log's JSON lines."""
    done = subprocess.run(
        [sys.executable, "-m", "xueliang.cli", "up", "--config", str(config)],
        cwd=ROOT,
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout == ""  # nothing was ready
    assert "Traceback" not in done.stderr
    return done.returncode, [line for line in done.stderr.splitlines() if not line.startswith("{")]


def held(state_dir: Path) -> bool:
    """Whether any process of a node is left: each holds the folder's lock for as long as it lives."""
    with (state_dir / "lock").open() as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def write(folder: Path, text: str = "") -> Path:
    """A settings file with its own state folder and a free port."""
    config = folder / "node.yaml"
    config.write_text(f"state_dir: {folder / 'state'}\nlisten: {{port: 0}}\n{text}", "utf-8")
    return config


def test_every_fault_of_the_settings_is_told_with_its_line_and_nothing_is_started(tmp_path: Path) -> None:
    config = tmp_path / "node.yaml"
    wrong = "timezone: Mars/Olympus\nlisten:\n  port: 99999\nretentoin:\n  events_days: 1\n"
    config.write_text(f"state_dir: {tmp_path / 'state'}\n{wrong}", "utf-8")
    code, lines = up(config)
    assert code == 2
    assert [line.split(": ")[:2] for line in lines] == [
        [f"{config}:2", "timezone"],
        [f"{config}:4", "listen.port"],
        [f"{config}:5", "retentoin"],
    ]
    assert not (tmp_path / "state").exists()


def truncated(store: Path) -> tuple[str, str]:
    (store / "yolox_nano_416.onnx").write_bytes(b"\x08\x07" * 500)
    return "yolox_nano_416", "truncated: 1000 of 3660092 bytes"


def other_bytes(store: Path) -> tuple[str, str]:
    (store / "yolox_nano_416.onnx").write_bytes(bytes(3660092))
    return "yolox_nano_416", "sha256"


def no_detector(store: Path) -> tuple[str, str]:
    data = onnx_constants({"output": np.zeros((1, 10), np.float32)})
    (store / "classifier.onnx").write_bytes(data)
    entry = ModelEntry(
        id="classifier",
        sha256=hashlib.sha256(data).hexdigest(),
        size=len(data),
        licence="Apache-2.0",
        input=ModelInput(name="images", width=64, height=64, colour="bgr", fit=Fit.TOP_LEFT),
        head="yolox",
        labels="coco80",
    )
    (store / USER_MANIFEST).write_text(dump_manifest(Manifest(models=(entry,))), "utf-8")
    return "classifier", "1, 10"


@pytest.mark.parametrize("fault", [truncated, other_bytes, no_detector], ids=lambda fault: fault.__name__)
def test_a_wrong_model_is_refused_by_name_and_nothing_is_left(tmp_path: Path, fault: Any) -> None:
    store = tmp_path / "models"
    store.mkdir()
    name, why = fault(store)
    config = write(tmp_path, f"model: {{id: {name}, store: {store}, allow_pull: false}}\n")
    code, lines = up(config)
    assert code == 1
    assert len(lines) == 1
    assert name in lines[0]
    assert why in lines[0]
    assert not held(tmp_path / "state")


def test_a_taken_port_and_a_folder_that_cannot_be_written_are_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        config = tmp_path / "node.yaml"
        config.write_text(f"state_dir: {tmp_path / 'state'}\nlisten: {{port: {port}}}\n", "utf-8")
        code, lines = up(config)
    assert (code, len(lines)) == (1, 1)
    assert f"port {port} on 127.0.0.1 is taken: stop what listens there" in lines[0]

    (tmp_path / "file").write_text("")  # root may write everywhere, but not below a file
    config.write_text(f"state_dir: {tmp_path / 'file' / 'state'}\nlisten: {{port: 0}}\n", "utf-8")
    code, lines = up(config)
    assert (code, len(lines)) == (1, 1)
    assert f"the state folder {tmp_path / 'file' / 'state'} cannot be written" in lines[0]


def test_a_redis_and_a_database_that_do_not_answer_are_named_without_their_passwords(tmp_path: Path) -> None:
    config = write(tmp_path)
    port = free_ports(1)[0]
    code, lines = up(config, REDIS_URL=f"redis://node:hunter2@127.0.0.1:{port}/0")
    assert (code, len(lines)) == (1, 1)
    assert "REDIS_URL: no Redis server answers there" in lines[0]
    assert "hunter2" not in lines[0]

    code, lines = up(config, DATABASE_URL=f"postgresql://node:hunter2@127.0.0.1:{port}/events")
    assert (code, len(lines)) == (1, 1)
    assert f"no database answers as DATABASE_URL says, at 127.0.0.1:{port}" in lines[0]
    assert "hunter2" not in lines[0]
    assert not held(tmp_path / "state")


@pytest.fixture(scope="module")
def node(cameras: SimulatorThread, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNode]:
    """Four cameras: two are right, one has an address where nothing listens, one refuses the password."""
    folder: Path = tmp_path_factory.mktemp("faults")
    settings = county(cameras, ["S0", "S7", "S1", "LOCKED"], folder / "state")
    right, also_right, lost, locked = settings.cameras
    nowhere = f"rtsp://127.0.0.1:{free_ports(1)[0]}"
    (folder / "password").write_text("guessed")
    settings = settings.model_copy(
        update={
            "cameras": (
                right,
                also_right,
                lost.model_copy(
                    update={
                        "main": StreamSettings(url=f"{nowhere}/main"),
                        "sub": StreamSettings(url=f"{nowhere}/sub"),
                    }
                ),
                locked.model_copy(
                    update={"credentials": Credentials(username="admin", password_file=Path("password"))}
                ),
            )
        }
    )
    with running(settings, folder) as started:
        yield started


@pytest.mark.browser
def test_the_tile_of_a_wrong_camera_says_why_and_since_when_and_the_others_are_live(
    node: RunningNode, page: Page
) -> None:
    *_, lost, locked = node.settings.cameras
    log_in(page, node)
    wait_all_move(page, 2)

    unreachable = page.locator(f"[data-testid^=tile-][data-camera='{lost.id}']")
    expect(unreachable).to_have_attribute("data-state", "offline")
    expect(unreachable).to_contain_text("离线")
    expect(unreachable).to_contain_text("无法连接")
    expect(unreachable).to_contain_text("起（")

    refused = page.locator(f"[data-testid^=tile-][data-camera='{locked.id}']")
    expect(refused).to_have_attribute("data-state", "refused")
    expect(refused).to_contain_text("登录被拒")
    expect(refused).to_contain_text("起（")
    expect(refused).to_contain_text("后再试")  # patiently: a camera must not lock us out
    wait_all_move(page, 2)


def test_a_second_node_on_the_same_folder_is_told_who_holds_it(node: RunningNode, tmp_path: Path) -> None:
    config = tmp_path / "node.yaml"
    config.write_text(f"state_dir: {node.settings.state_dir}\nlisten: {{port: 0}}\n", "utf-8")
    code, lines = up(config)
    assert (code, len(lines)) == (1, 1)
    assert f"in use by a running node (pid {node.supervisor.pid}): stop that one first" in lines[0]
    assert all(told["trouble"] is None for told in node.processes().values())


@contextmanager
def feed(node: RunningNode, cookie: str, last_id: str) -> Iterator[ClientConnection]:
    address = node.wall.replace("http", "ws", 1)
    with connect(
        f"{address}/api/feed?last_id={last_id}", additional_headers={"cookie": f"xl_session={cookie}"}, proxy=None
    ) as socket_:
        yield socket_


def items(feed_: ClientConnection, kind: str) -> Iterator[dict[str, Any]]:
    """The feed's items of one type, as they come."""
    while True:
        for item in json.loads(feed_.recv(timeout=60))["items"]:
            if item["type"] == kind:
                yield item


def bus_of(node: RunningNode) -> redis.Redis:
    return redis.Redis.from_url(f"unix://{node.settings.state_dir / 'redis' / 'redis.sock'}")


def happen(node: RunningNode) -> str:
    """One more event, now, as a worker sends it; its id. What the cameras show comes when it comes."""
    camera, now = node.settings.cameras[0], time.time()
    event = Event(
        id=new_event_id(),
        kind="intrusion",
        severity=Severity.LOW,
        camera_id=camera.id,
        site_id=camera.site,
        region_id=next(site.region for site in node.settings.sites if site.id == camera.site),
        rule_id="made",
        rule_name="made",
        occurred_at=now,
        detected_at=now,
        measured=1,
        limit=1,
        unit="objects",
    )
    with bus_of(node) as server:
        EventBus(server).publish([Candidate(event=event, dedup_key=event.id, window_s=1)])
    return event.id


def test_an_old_browser_is_told_what_is_gone_and_gets_the_rest_once(node: RunningNode) -> None:
    with node.client() as client:
        cookie = client.cookies["xl_session"]
        happen(node)
        wait_for(lambda: stored(client), 60, "an event")

        # Retention took what there was, and the stream holds only the newest of what came after it.
        newest = max(stored(client), key=lambda row: row["occurred_at"])
        engine = open_engine(database_url(node.settings))
        purged = EventStore(engine).purge(newest["occurred_at"] + 0.001).events
        engine.dispose()
        late_ids = [happen(node) for _ in range(4)]
        kept_from = wait_for(
            lambda: [row["stream_id"] for row in stored(client) if row["id"] == late_ids[-1]],
            60,
            "the newest",
        )
        with bus_of(node) as server:
            server.xtrim(EVENTS_KEY, minid=kept_from[0], approximate=False)

        with feed(node, cookie, "1-0") as browser:
            hello = next(items(browser, "hello"))
            assert (hello["cursor"], hello["gone"], hello["reload"]) == ("resumed", purged, True)
            late = items(browser, "event")
            missed = [next(late) for _ in range(hello["missed"])]
            assert all(item["late"] for item in missed)
            ids = [item["row"]["id"] for item in missed]
            assert len(set(ids)) == len(ids)
            assert set(late_ids) <= set(ids)
            # The newest came off the bus, which the historian reads at its own pace.
            wait_for(lambda: set(ids) <= {row["id"] for row in stored(client)}, 60, "each told event is stored")

        # A cursor of another Redis, younger than anything here.
        with feed(node, cookie, "9999999999999-0") as browser:
            hello = next(items(browser, "hello"))
            assert (hello["cursor"], hello["resumed_from"], hello["reload"]) == ("unknown", None, True)
            happen(node)
            assert next(items(browser, "event"))["late"] is False
