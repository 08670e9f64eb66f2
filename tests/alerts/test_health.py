"""Health and workers in Redis."""

from __future__ import annotations

import pytest
from redis import Redis, RedisError

from alerts.delivery.connection import connect
from alerts.health import HEALTH_KEY, CameraHealth, HealthBoard, WorkerInfo
from ingest.state import Fault, Phase


def health(camera_id: str, at: float = 100.0) -> CameraHealth:
    return CameraHealth(
        camera_id=camera_id,
        worker_id="w1",
        at=at,
        phase=Phase.STALE,
        fault=Fault.FROZEN,
        since=90.0,
        received=10,
        analysed=7,
        dropped={"newer": 3},
        detector="motion",
    )


def test_what_a_worker_writes_the_dashboard_reads(redis_client: Redis) -> None:
    board = HealthBoard(redis_client)
    board.write_health([health("a"), health("b")])
    board.write_health([health("b", at=101.0)])
    board.write_health([])
    assert board.read_health() == {"a": health("a"), "b": health("b", at=101.0)}
    board.forget_health(["a"])
    board.forget_health([])
    assert set(board.read_health()) == {"b"}


def test_a_worker_that_stopped_writing_is_silent() -> None:
    assert not health("a", at=100.0).silent(103.0)
    assert health("a", at=100.0).silent(103.1)


def test_an_entry_of_another_version_is_counted_and_the_rest_is_served(redis_client: Redis) -> None:
    board = HealthBoard(redis_client)
    board.write_health([health("a")])
    redis_client.hset(HEALTH_KEY, "b", '{"v":2}')
    redis_client.hset(HEALTH_KEY, b"\xff", "{}")
    assert set(board.read_health()) == {"a"}
    assert board.unreadable == 2


def test_workers_come_and_go(redis_client: Redis) -> None:
    board = HealthBoard(redis_client)
    info = WorkerInfo(url="http://127.0.0.1:4711", pid=7, started_at=1.0, cameras=("a", "b"))
    board.register("w1", info)
    assert board.read_workers() == {"w1": info}
    board.unregister("w1")
    assert board.read_workers() == {}


def test_no_server_is_not_no_cameras() -> None:
    with pytest.raises(RedisError):
        HealthBoard(connect("unix:///nonexistent/redis.sock", name="test")).read_health()
