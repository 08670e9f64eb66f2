"""The connection under a session is found and cut, and no other is."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from ingest.rtsp.link import Link, connections, link_since


@pytest.fixture
def camera() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


def _url(camera: socket.socket) -> str:
    return f"rtsp://user:secret@127.0.0.1:{camera.getsockname()[1]}/main"


def _connect(camera: socket.socket) -> socket.socket:
    return socket.create_connection(camera.getsockname())


def test_what_was_opened_since_is_cut_and_what_was_there_before_is_not(camera: socket.socket) -> None:
    with _connect(camera) as older:
        there, _ = camera.accept()
        before = connections(_url(camera))
        with there, _connect(camera) as newer:
            remote, _ = camera.accept()
            with remote:
                assert link_since(before, _url(camera)).cut()
                assert newer.recv(1) == b"", "a read that waits comes back"
                there.sendall(b"x")
                assert older.recv(1) == b"x"


def test_a_descriptor_that_was_used_again_is_left_alone(camera: socket.socket) -> None:
    before = connections(_url(camera))
    first = _connect(camera)
    link = link_since(before, _url(camera))
    fd = first.fileno()
    first.close()
    with _connect(camera) as second:
        assert second.fileno() == fd
        assert not link.cut()


def test_where_many_opened_at_once_none_is_taken_for_the_session_s(camera: socket.socket) -> None:
    before = connections(_url(camera))
    with ExitStack() as stack:
        for _ in range(3):
            stack.enter_context(_connect(camera))
        assert link_since(before, _url(camera)) == Link()
        assert not Link().cut()


@pytest.mark.parametrize("url", ["rtsp://", "rtsp://[bad/x", "rtsp://host:port/x", "nonsense"])
def test_an_address_without_a_host_has_no_connection(url: str) -> None:
    assert connections(url) == frozenset()
