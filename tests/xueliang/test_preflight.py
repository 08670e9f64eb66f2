"""What stands in the way of a start is told in one line, before anything is started."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from xueliang.preflight import CannotStart, check_port, claim_state_dir, free_ports


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


def test_free_ports_are_different_and_free() -> None:
    ports = free_ports(5)
    assert len(set(ports)) == 5
    for port in ports:
        check_port("127.0.0.1", port)
