"""The watch tells every camera that time passes, and when the fault is this machine's."""

from __future__ import annotations

import threading

import structlog

from ingest.watch import Watch


class _Camera:
    def __init__(self, last_packet: float, *, broken: bool = False) -> None:
        self.last_packet = last_packet
        self.broken = broken
        self.told: list[bool] = []
        self.ticked = threading.Event()

    def last_packets(self) -> list[float]:
        return [self.last_packet]

    def tick(self, stalled_here: bool) -> None:
        if self.broken:
            raise RuntimeError("broken")
        self.told.append(stalled_here)
        self.ticked.set()


def test_all_cameras_are_told_of_a_stall_of_this_machine_and_of_its_end() -> None:
    times = iter((100.0, 101.0, 102.0, 103.0, 103.2))
    watch = Watch(monotonic=lambda: next(times))
    cameras = [_Camera(99.9) for _ in range(3)]
    for camera in cameras:
        watch.add(camera)
    with structlog.testing.capture_logs() as logs:
        for _ in range(4):
            watch.look()
        cameras[0].last_packet = 103.1
        watch.look()
    assert [camera.told for camera in cameras] == [[False, False, True, True, False]] * 3
    assert watch.stalls == 1
    assert [entry["event"] for entry in logs] == ["ingest.stalled_here", "ingest.stall_over"]


def test_a_camera_that_was_removed_is_left_alone() -> None:
    watch = Watch()
    camera = _Camera(0.0)
    watch.add(camera)
    watch.remove(camera)
    watch.look()
    assert camera.told == []


def test_the_thread_outlives_a_broken_camera_and_ends_when_told() -> None:
    watch = Watch(interval_s=0.01)
    healthy, broken = _Camera(0.0), _Camera(0.0, broken=True)
    watch.add(healthy)
    watch.add(broken)
    with structlog.testing.capture_logs() as logs:
        watch.start()
        assert healthy.ticked.wait(60)
        healthy.ticked.clear()
        assert healthy.ticked.wait(60)
        assert watch.stop()
    assert watch.errors >= 1
    assert logs[0]["event"] == "ingest.watch_failed"
