"""The worker's figures for Prometheus."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from alerts.delivery.publisher import GAUGES
from detect.tally import Histogram
from ingest.gating.gate import GateState
from ingest.gating.level import Level
from xueliang.metrics import Counters
from xueliang.worker.node import WorkerNode


def register(registry: CollectorRegistry, node: WorkerNode) -> None:
    """Everything the worker counts."""
    registry.register(_Frames(node))
    registry.register(_Stage(node))
    registry.register(_Fallbacks(node))
    registry.register(_Overload(node))
    registry.register(_Live(node))
    registry.register(Counters("xueliang_publisher", node.publisher.counters, GAUGES))
    registry.register(Counters("xueliang_snapshots", node.snapshots.counters))
    registry.register(
        Counters(
            "xueliang_recording", node.recordings.counters, frozenset({"waiting_bytes", "clips_pending", "ring_bytes"})
        )
    )
    registry.register(_Disk(node))


class _NodeCollector(Collector):
    def __init__(self, node: WorkerNode) -> None:
        self._node = node

    def describe(self) -> Iterator[Metric]:
        return iter(())


class _Frames(_NodeCollector):
    """received = analysed + dropped by cause + in flight, exactly, per camera."""

    def collect(self) -> Iterator[Metric]:
        received = CounterMetricFamily("xueliang_frames_received", "frames from the analysed stream", labels=["camera"])
        analysed = CounterMetricFamily("xueliang_frames_analysed", "frames that were analysed", labels=["camera"])
        dropped = CounterMetricFamily("xueliang_frames_dropped", "frames given up", labels=["camera", "cause"])
        waiting = GaugeMetricFamily("xueliang_frames_in_flight", "neither analysed nor dropped yet", labels=["camera"])
        rate = GaugeMetricFamily("xueliang_analysed_fps", "analysed frames a second, over five", labels=["camera"])
        gates = GaugeMetricFamily("xueliang_gate", "1 for the state of the packet gate", labels=["camera", "state"])
        levels = GaugeMetricFamily("xueliang_level", "1 for how much overload leaves", labels=["camera", "level"])
        for camera_id, ingest in self._node.ingests.items():
            rate.add_metric([camera_id], ingest.health()["fps_analysed"])
            for state in GateState:
                gates.add_metric([camera_id, str(state)], ingest.gate is state)
            for level in Level:
                levels.add_metric([camera_id, str(level)], ingest.level is level)
        for camera_id, account in self._node.ledger.snapshot().items():
            received.add_metric([camera_id], account.received)
            analysed.add_metric([camera_id], account.analysed)
            waiting.add_metric([camera_id], account.in_flight)
            for cause, frames in account.dropped.items():
                dropped.add_metric([camera_id, str(cause)], frames)
        yield from (received, analysed, dropped, waiting, rate, gates, levels)


class _Stage(_NodeCollector):
    def collect(self) -> Iterator[Metric]:
        metrics = self._node.stage.metrics()
        errors = CounterMetricFamily("xueliang_detection_errors", "failed frames by step", labels=["step"])
        for step, count in metrics.errors.items():
            errors.add_metric([step], count)
        yield errors
        splits = "runs of several pictures that failed and were tried one by one"
        yield CounterMetricFamily("xueliang_detection_splits", splits, metrics.splits)
        yield GaugeMetricFamily("xueliang_detection_sessions", "runs side by side", metrics.sessions)
        yield CounterMetricFamily("xueliang_detection_busy_seconds", "of all sessions together", metrics.busy_s)
        yield _histogram("xueliang_detection_wait_seconds", "capture to start of inference", metrics.wait)
        yield _histogram("xueliang_detection_inference_seconds", "letterbox to NMS", metrics.inference)


class _Fallbacks(_NodeCollector):
    """An alarm on the first of them catches a GPU that is missing after an update."""

    def collect(self) -> Iterator[Metric]:
        told = GaugeMetricFamily(
            "xueliang_fallback", "1 where a part runs elsewhere than asked for", labels=["part", "asked", "used"]
        )
        for fallback in self._node.fallbacks:
            told.add_metric([fallback.part, fallback.asked, fallback.used], 1)
        yield told
        decoders = self._node.decoders
        text = "decoders on the processor although hardware was asked for"
        yield CounterMetricFamily("xueliang_decoding_fallbacks", text, decoders.fallbacks)


class _Overload(_NodeCollector):
    def collect(self) -> Iterator[Metric]:
        overload = self._node.overload
        yield GaugeMetricFamily("xueliang_pressure", "load of the machine; above 1 it is overloaded", overload.pressure)
        yield CounterMetricFamily("xueliang_overload_errors", "looks at the load that failed", overload.errors)
        if overload.admission is not None:
            for name, value in overload.admission.model_dump().items():
                yield GaugeMetricFamily(f"xueliang_admission_{name}", "promises against this machine", value)


class _Disk(_NodeCollector):
    """An alarm on the warning comes before the disk is full."""

    def collect(self) -> Iterator[Metric]:
        status = self._node.recordings.status()
        if status is None:
            return
        for name in ("used", "budget", "free", "locked"):
            told = getattr(status, f"{name}_bytes")
            yield GaugeMetricFamily(f"xueliang_recording_disk_{name}_bytes", "of the disk of recordings", told)
        text = "1 where the disk of recordings is nearly full, full, or held by locks"
        yield GaugeMetricFamily("xueliang_recording_disk_warning", text, status.warning is not None)
        less = GaugeMetricFamily("xueliang_recording_degraded", "1 where less is recorded", labels=["camera", "mode"])
        for camera_id, mode in status.degraded.items():
            less.add_metric([camera_id, mode], 1)
        yield less


class _Live(_NodeCollector):
    def collect(self) -> Iterator[Metric]:
        viewers = GaugeMetricFamily("xueliang_live_viewers", "subscribers of the live channel", labels=["camera"])
        skipped = CounterMetricFamily("xueliang_live_skipped", "pictures left out for slow viewers", labels=["camera"])
        for camera_id, ingest in self._node.ingests.items():
            counts = ingest.live("sub").counts()
            viewers.add_metric([camera_id], counts.subscribers)
            skipped.add_metric([camera_id], counts.skipped)
        stalls = CounterMetricFamily("xueliang_systemic_stalls", "all streams stalled at once", self._node.watch.stalls)
        yield from (viewers, skipped, stalls)


def _histogram(name: str, text: str, histogram: Histogram) -> Metric:
    cumulative, buckets = 0, []
    for bound, count in zip(histogram.bounds_s, histogram.counts, strict=False):
        cumulative += count
        buckets.append((str(bound), float(cumulative)))
    buckets.append(("+Inf", float(sum(histogram.counts))))
    family = HistogramMetricFamily(name, text)
    family.add_metric([], buckets=buckets, sum_value=histogram.sum_s)
    return family
