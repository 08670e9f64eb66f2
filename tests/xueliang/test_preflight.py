"""What stands in the way of a start is told in one line, before anything is started."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import SecretStr

from xueliang.preflight import CannotStart, check_port, check_redis, claim_state_dir, free_ports


def test_a_taken_port_is_named_with_what_to_do() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CannotStart, match=rf"port {port} on 127\.0\.0\.1 is taken: .*PORT"):
            check_port("127.0.0.1", port)
    check_port("127.0.0.1", port)


def test_a_state_folder_that_is_not_one_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CannotStart, match="cannot be written"):
        claim_state_dir(tmp_path / "file" / "state")


def test_two_nodes_do_not_share_a_state_folder(tmp_path: Path) -> None:
    with (
        claim_state_dir(tmp_path),
        pytest.raises(CannotStart, match=rf"in use by a running node \(pid {os.getpid()}\)"),
    ):
        claim_state_dir(tmp_path)
    claim_state_dir(tmp_path).close()


def test_a_folder_is_claimed_when_the_last_process_of_a_killed_node_is_gone(tmp_path: Path) -> None:
    """The supervisor is gone at once; its child, which inherited the lock, lives until its input is closed."""
    supervisor = (
        "import subprocess, sys\n"
        "from pathlib import Path\n"
        "from xueliang.preflight import claim_state_dir\n"
        "lock = claim_state_dir(Path(sys.argv[1]))\n"
        "subprocess.Popen(['cat'], pass_fds=(lock.fileno(),))\n"
    )
    killed = subprocess.Popen(
        [sys.executable, "-c", supervisor, str(tmp_path)], stdin=subprocess.PIPE, cwd=Path(__file__).parents[2]
    )
    assert killed.stdin is not None
    killed.wait(60)
    waited: list[float] = []

    def wait(seconds: float) -> None:
        waited.append(seconds)
        killed.stdin.close()  # type: ignore[union-attr]

    claim_state_dir(tmp_path, wait).close()
    assert waited


def test_a_redis_that_does_not_answer_or_refuses_us_is_told_without_its_password() -> None:
    port = free_ports(1)[0]
    with pytest.raises(CannotStart, match="no Redis server answers there") as told:
        check_redis(SecretStr(f"redis://node:hunter2@127.0.0.1:{port}/0"))
    assert "hunter2" not in str(told.value)
    with pytest.raises(CannotStart, match="not an address of a Redis server"):
        check_redis(SecretStr("http://node:hunter2@redis"))


def test_free_ports_are_different_and_free() -> None:
    ports = free_ports(5)
    assert len(set(ports)) == 5
    for port in ports:
        check_port("127.0.0.1", port)
