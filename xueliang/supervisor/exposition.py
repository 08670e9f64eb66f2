"""One ``/metrics`` for a whole node: what its processes tell on their private ports, put together.

Every figure gets the label ``process``: several workers tell the same ones, and a family may stand only once in the
text format.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping

import httpx
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from xueliang.supervisor.child import Child


class ChildrenMetrics(Collector):
    """Restarts and whether each child runs."""

    def __init__(self, children: Mapping[str, Child]) -> None:
        self._children = children

    def describe(self) -> list[Metric]:
        """Nothing known ahead."""
        return []

    def collect(self) -> list[Metric]:
        """Called at each scrape."""
        up = GaugeMetricFamily("xueliang_process_up", "1 while the process runs and is ready", labels=["process"])
        restarts = CounterMetricFamily("xueliang_process_restarts", "starts after the first", labels=["process"])
        for name, child in self._children.items():
            up.add_metric([name], float(child.trouble is None))
            restarts.add_metric([name], child.restarts)
        return [up, restarts]


async def gather(children: Mapping[str, Child], urls: Mapping[str, str], client: httpx.AsyncClient) -> str:
    """The supervisor's own figures, then those of each process in ``urls``.

    A process that does not answer is told by ``xueliang_scrape_ok 0``: no answer is not "zero".
    """
    scraped = GaugeMetricFamily("xueliang_scrape_ok", "1 where the process told its figures", labels=["process"])
    answers = dict(zip(urls, await asyncio.gather(*(_scrape(client, url) for url in urls.values())), strict=True))
    for name, answer in answers.items():
        scraped.add_metric([name], float(answer is not None))
    registry = CollectorRegistry()
    registry.register(ChildrenMetrics(children))
    registry.register(_Fixed([scraped, *merge({name: text for name, text in answers.items() if text is not None})]))
    return generate_latest(registry).decode()


def merge(texts: Mapping[str, str]) -> list[Metric]:
    """Each family once, with the samples of all processes, by name, that tell it in Prometheus' text format.

    Raises ``ValueError`` where a text is none.
    """
    families: dict[str, Metric] = {}
    for process, text in texts.items():
        for told in text_string_to_metric_families(text):
            family = families.setdefault(told.name, Metric(told.name, told.documentation, told.type))
            for sample in told.samples:
                family.add_sample(sample.name, {**sample.labels, "process": process}, sample.value)
    return list(families.values())


class _Fixed(Collector):
    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._metrics = tuple(metrics)

    def collect(self) -> list[Metric]:
        return list(self._metrics)


async def _scrape(client: httpx.AsyncClient, url: str) -> str | None:
    try:
        answer = await client.get(f"{url}/metrics")
        answer.raise_for_status()
    except httpx.HTTPError:
        return None
    return answer.text
