"""One text of metrics for a node whose workers tell the same figures."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from xueliang.supervisor.exposition import merge


def told(frames: int, pressure: float) -> str:
    registry = CollectorRegistry()
    Counter("xueliang_frames", "frames", ["camera"], registry=registry).labels("c1").inc(frames)
    Gauge("xueliang_pressure", "load", registry=registry).set(pressure)
    Histogram("xueliang_wait_seconds", "waits", buckets=(0.1,), registry=registry).observe(0.05)
    return generate_latest(registry).decode()


def test_a_family_stands_once_and_each_sample_says_whose_it_is() -> None:
    families = merge({"worker-1": told(3, 0.5), "worker-2": told(4, 1.5)})
    names = [family.name for family in families]
    assert len(names) == len(set(names))
    samples = {
        (sample.name, sample.labels["process"]): sample.value for family in families for sample in family.samples
    }
    assert samples["xueliang_frames_total", "worker-1"] == 3
    assert samples["xueliang_frames_total", "worker-2"] == 4
    assert samples["xueliang_pressure", "worker-2"] == 1.5
    assert samples["xueliang_wait_seconds_count", "worker-1"] == 1
