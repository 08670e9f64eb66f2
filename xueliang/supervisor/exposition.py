"""One ``/metrics`` for a whole node: what its processes tell on their private ports, put together."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import httpx
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
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

    A process that does not answer is told by a comment and by ``xueliang_scrape_ok 0``: no answer is not "zero".
    """
    registry = CollectorRegistry()
    registry.register(ChildrenMetrics(children))
    scraped = GaugeMetricFamily("xueliang_scrape_ok", "1 where the process told its figures", labels=["process"])
    texts: list[str] = []
    for name, answer in zip(urls, await asyncio.gather(*(_scrape(client, url) for url in urls.values())), strict=True):
        scraped.add_metric([name], float(answer is not None))
        texts.append(answer if answer is not None else f"# {name} does not answer\n")
    registry.register(_Fixed(scraped))
    return generate_latest(registry).decode() + "".join(texts)


class _Fixed(Collector):
    def __init__(self, metric: Metric) -> None:
        self._metric = metric

    def collect(self) -> list[Metric]:
        return [self._metric]


async def _scrape(client: httpx.AsyncClient, url: str) -> str | None:
    try:
        answer = await client.get(f"{url}/metrics")
        answer.raise_for_status()
    except httpx.HTTPError:
        return None
    return answer.text
