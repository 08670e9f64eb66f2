"""The dashboard's figures in Prometheus' text format, from the plain counters of its parts; one registry an app."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

_GAUGES = frozenset({"clients", "tiles", "watched_sessions", "driving", "connected"})


class Figures(Collector):
    """``sources``: part → its counters. ``xl_dashboard_<part>_<name>``."""

    def __init__(self, sources: Mapping[str, Callable[[], Mapping[str, int]]]) -> None:
        self._sources = sources

    def collect(self) -> Iterable[Metric]:
        for part, source in self._sources.items():
            for name, value in source().items():
                full, text = f"xl_dashboard_{part}_{name}", f"{name} of the dashboard's {part}".replace("_", " ")
                if name in _GAUGES:
                    yield GaugeMetricFamily(full, text, value=value)
                else:
                    yield CounterMetricFamily(full, text, value=value)


def registry(sources: Mapping[str, Callable[[], Mapping[str, int]]]) -> CollectorRegistry:
    own = CollectorRegistry()
    own.register(Figures(sources))
    return own


def render(own: CollectorRegistry) -> bytes:
    return generate_latest(own)
