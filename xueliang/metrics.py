"""Plain counters of our objects as Prometheus metrics, read when somebody asks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector


class Counters(Collector):
    """Each entry of ``read()`` as ``PREFIX_NAME_total``; names in ``gauges`` as ``PREFIX_NAME``."""

    def __init__(
        self, prefix: str, read: Callable[[], Mapping[str, float]], gauges: frozenset[str] = frozenset()
    ) -> None:
        self._prefix = prefix
        self._read = read
        self._gauges = gauges

    def describe(self) -> Iterator[Metric]:
        """Nothing known ahead: registering must not read what is not running yet."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """Called at each scrape."""
        for name, value in self._read().items():
            full = f"{self._prefix}_{name}"
            if name in self._gauges:
                yield GaugeMetricFamily(full, f"{name.replace('_', ' ')}, now", value=value)
            else:
                yield CounterMetricFamily(full, f"{name.replace('_', ' ')}, since the start", value=value)
