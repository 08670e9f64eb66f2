"""Redis, the port and the model: looked at as they are, nothing started or pulled."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest
from pydantic import SecretStr
from redis import Redis

from alerts import redis_server
from alerts.delivery.connection import connect
from configs.schema import ModelSettings, Settings
from detect.motion import MOTION_ID
from models.manifest import shipped_manifest
from models.store import Listing
from xueliang.doctor import services
from xueliang.doctor.finding import Finding, Level, Node
from xueliang.doctor.services import RedisFacts
from xueliang.supervisor import run_files

PASSWORD = "a-redis-password"


@pytest.fixture(scope="module")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real server, as a node would start it."""
    launch = redis_server.command(tmp_path_factory.mktemp("doctor"))
    process = subprocess.Popen(launch.argv, env=launch.env, stdout=subprocess.DEVNULL)
    client = connect(launch.url, name="test")
    redis_server.wait_ready(client, deadline_s=60, clock=time.monotonic, sleep=Event().wait)
    client.close()
    yield launch.url
    process.kill()
    process.wait(60)


@pytest.fixture
def client(redis_url: str) -> Iterator[Redis]:
    """What a test changes is put back."""
    made = connect(redis_url, name="test")
    yield made
    made.config_set("requirepass", "")
    made.config_set("appendonly", "yes")
    made.close()


def node(**changes: object) -> Node:
    return Node(Settings.model_validate(changes), os.environ, Path("/nowhere"))


def ask(url: str) -> Finding:
    (found,) = services.look_at_redis(node(redis_url=SecretStr(url)))
    return found


def test_a_server_that_keeps_what_it_is_told_is_good(redis_url: str) -> None:
    found = ask(redis_url)
    assert found.level is Level.OK
    assert "append-only file on" in found.text


def test_a_server_that_forgets_is_a_warning_with_the_command(redis_url: str, client: Redis) -> None:
    client.config_set("appendonly", "no")
    found = ask(redis_url)
    assert found.level is Level.WARNING
    assert found.action is not None
    assert "CONFIG SET appendonly yes" in found.action


def test_a_server_that_wants_another_password_is_a_fault_without_a_secret(redis_url: str, client: Redis) -> None:
    client.config_set("requirepass", "another")
    found = ask(redis_url.replace("unix://", f"unix://:{PASSWORD}@"))
    assert found.level is Level.FAULT
    assert "refuses" in found.text
    assert PASSWORD not in repr(found)


def test_nobody_there_is_a_fault_without_a_secret() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    found = ask(f"redis://:{PASSWORD}@127.0.0.1:{port}/0")
    assert (found.level, "does not answer" in found.text) == (Level.FAULT, True)
    assert PASSWORD not in repr(found)


@pytest.mark.parametrize(
    ("facts", "level"),
    [
        (RedisFacts("redis", (6, 2, 1), True, "noeviction"), Level.FAULT),
        (RedisFacts("valkey", (8, 1), True, "noeviction"), Level.OK),
        (RedisFacts("redis", (7, 4), None, None), Level.WARNING),
        (RedisFacts("redis", (7, 4), True, "allkeys-lru"), Level.WARNING),
    ],
)
def test_other_servers(facts: RedisFacts, level: Level) -> None:
    assert services.redis_answers(facts).level is level


def test_the_server_that_a_node_would_start_is_named_and_not_started(tmp_path: Path) -> None:
    (found,) = services.look_at_redis(node(state_dir=tmp_path))
    assert found.level is Level.OK
    assert list(tmp_path.iterdir()) == []
    assert services.redis_program(None, None).level is Level.FAULT
    assert services.redis_program(Path("/usr/bin/redis-server"), None).level is Level.FAULT


def test_a_taken_port_is_a_fault_unless_this_node_has_it(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        settings = node(state_dir=tmp_path, listen={"port": port})
        assert services.look_at_port(settings)[0].level is Level.FAULT
        run_files.announce(tmp_path, "dashboard", None, public=f"http://127.0.0.1:{port}")
        assert services.look_at_port(settings)[0].level is Level.OK
    dead = subprocess.Popen(["/bin/true"])
    dead.wait(60)
    (tmp_path / "run" / "dashboard.json").write_text(f'{{"name": "dashboard", "pid": {dead.pid}, "url": null}}')
    assert services.look_at_port(settings)[0].text == f"{port} is free"


@pytest.mark.parametrize(
    ("allow_pull", "fallback", "level"),
    [
        pytest.param(True, "motion", Level.WARNING, id="would be pulled"),
        pytest.param(False, "motion", Level.WARNING, id="motion only"),
        pytest.param(False, "refuse", Level.FAULT, id="would not start"),
    ],
)
def test_a_model_that_is_not_here_is_judged_by_what_a_start_would_do(
    allow_pull: bool, fallback: str, level: Level
) -> None:
    settings = ModelSettings.model_validate({"allow_pull": allow_pull, "fallback": fallback})
    found = services.model(settings, Listing(shipped_manifest().entry(settings.id), None, None))
    assert found.level is level
    assert found.action is not None
    assert "xueliang models" in found.action


def test_a_wrong_file_an_unknown_id_and_motion_only(tmp_path: Path) -> None:
    (tmp_path / "yolox_nano_416.onnx").write_bytes(bytes(100))
    (truncated,) = services.look_at_model(node(model={"store": tmp_path}))
    assert (truncated.level, "truncated" in truncated.text) == (Level.FAULT, True)
    (unknown,) = services.look_at_model(node(model={"store": tmp_path, "id": "nope"}))
    assert (unknown.level, "nope" in unknown.text) == (Level.FAULT, True)
    (motion,) = services.look_at_model(node(model={"store": tmp_path, "id": MOTION_ID}))
    assert motion.level is Level.OK
    (drawn,) = services.look_at_model(node(model={"store": tmp_path, "id": "xueliang_scenes"}))
    assert (drawn.level, "drawn scenes" in drawn.text) == (Level.WARNING, True)
    assert [path.name for path in tmp_path.iterdir()] == ["yolox_nano_416.onnx"]
