"""``dedup``: what the event bus costs above the bare script, and what sending in batches gains.

The bare script is what the field would write: ``SET NX PX`` and ``XADD`` in one Lua step, called by ``EVALSHA`` in a
pipeline, with the event as JSON made beforehand. Ours serialises, knows a candidate that is sent again, counts repeats,
checks whether the server lost its data, and answers what became of each. Same server, same batches, by turns; the
server is the product's own, which fsyncs before each reply.
"""

from __future__ import annotations

import statistics
import subprocess
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from threading import Event as ThreadEvent

from redis import Redis

from alerts.bus import EventBus
from alerts.delivery.connection import connect
from alerts.delivery.publisher import BATCH
from alerts.delivery.spool import Spool
from alerts.event import Candidate, Event, SeenObject
from alerts.event_id import new_event_id
from alerts.redis_server import command as redis_command
from alerts.redis_server import program_version, wait_ready
from benchmarks.report import Case, Figure, Report
from configs.schema import Severity

BARE = """
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then
  return redis.call('XADD', KEYS[2], '*', 'data', ARGV[3])
end
return false
"""
ROUNDS = 9
EVENTS = 20_000
ONE_BY_ONE = 2_000
REPEATS = 4
"""Of so many candidates one opens a window, the others are merged: a street, not a stress test of appends."""

Way = Callable[[Sequence[Candidate], Sequence[bytes]], None]
"""Sends candidates; the second argument is their events as JSON, made beforehand, for who does not make it."""


def run(quick: bool, workdir: Path) -> Report:
    """Rounds of the three ways by turns; the ratio is of medians."""
    rounds, number, single = (3, 5_000, 500) if quick else (ROUNDS, EVENTS, ONE_BY_ONE)
    report = Report(
        "dedup",
        datetime.now(UTC).isoformat(timespec="seconds"),
        quick,
        f"{rounds} rounds of {number} candidates, every {REPEATS}th a new happening, batches of {BATCH}",
    )
    server = redis_command(workdir / "state")
    process = subprocess.Popen(server.argv, env=server.env, stdout=subprocess.DEVNULL)
    try:
        client = connect(server.url, name="benchmark")
        wait_ready(client, deadline_s=10, clock=time.monotonic, sleep=ThreadEvent().wait)
        version = program_version(Path(server.argv[0]))
        report.notes.append(f"{Path(server.argv[0]).name} {version}, appendfsync always")
        rates = _rounds(client, workdir, rounds, number, single)
        client.config_set("appendfsync", "no")
        unsynced = _rounds(client, workdir / "unsynced", rounds, number, single)
        client.close()
    finally:
        process.terminate()
        process.wait(10)
    report.samples.update({name: [round(rate) for rate in found] for name, found in rates.items()})
    median = {name: statistics.median(found) for name, found in rates.items()}
    figures = report.figures
    figures["ratio_vs_bare_lua"] = Figure(round(median["ours"] / median["bare"], 3), "ratio", "higher", 0.80)
    figures["speedup_vs_one_by_one"] = Figure(round(median["ours"] / median["one_by_one"], 2), "times", "higher", 5)
    figures["events_per_s"] = Figure(round(median["ours"]), "1/s", "higher")
    figures["events_per_s_with_spool"] = Figure(round(median["spooled"]), "1/s", "higher")
    ratio = statistics.median(unsynced["ours"]) / statistics.median(unsynced["bare"])
    figures["ratio_vs_bare_lua_unsynced"] = Figure(round(ratio, 3), "ratio", "higher")
    report.notes.append("with spool: each batch is fsynced to the worker's disk before it is sent")
    report.notes.append("unsynced: the same with appendfsync no, where the disk does not level what differs")
    return report


def _rounds(client: Redis, workdir: Path, rounds: int, number: int, single: int) -> dict[str, list[float]]:
    """Candidates a second of each way, by turns."""
    rates: dict[str, list[float]] = {name: [] for name in ("ours", "bare", "one_by_one", "spooled")}
    for turn in range(rounds):
        client.flushall()
        spool = Spool(workdir / f"spool-{turn}")
        ways: dict[str, Way] = {
            "ours": _ours(EventBus(client), None),
            "bare": _bare(client),
            "one_by_one": _one_by_one(EventBus(client)),
            "spooled": _ours(EventBus(client), spool),
        }
        # Whoever is first in a round meets a smaller stream: each is, in turn.
        for name in [*ways][turn % 4 :] + [*ways][: turn % 4]:
            candidates = _candidates(single if name == "one_by_one" else number)
            rates[name].append(_rate(ways[name], candidates))
        spool.close()
    return rates


def _rate(way: Way, candidates: Sequence[Candidate]) -> float:
    data = [candidate.event.model_dump_json().encode() for candidate in candidates]
    began = time.perf_counter()
    way(candidates, data)
    return len(candidates) / (time.perf_counter() - began)


def _ours(bus: EventBus, spool: Spool | None) -> Way:
    def send(candidates: Sequence[Candidate], _: Sequence[bytes]) -> None:
        for start in range(0, len(candidates), BATCH):
            batch = candidates[start : start + BATCH]
            if spool is not None:
                spool.keep(batch)
            bus.publish(batch)

    return send


def _one_by_one(bus: EventBus) -> Way:
    def send(candidates: Sequence[Candidate], _: Sequence[bytes]) -> None:
        for candidate in candidates:
            bus.publish([candidate])

    return send


def _bare(client: Redis) -> Way:
    sha = str(client.script_load(BARE))

    def send(candidates: Sequence[Candidate], data: Sequence[bytes]) -> None:
        for start in range(0, len(candidates), BATCH):
            pipeline = client.pipeline(transaction=False)
            for index in range(start, min(start + BATCH, len(candidates))):
                candidate = candidates[index]
                pipeline.evalsha(sha, 2, f"bare:{candidate.dedup_key}", "bare", candidate.event.id, 30_000, data[index])
            pipeline.execute()

    return send


def _candidates(number: int) -> list[Candidate]:
    """Found now, each with one object; ``REPEATS`` in a row are one happening."""
    made: list[Candidate] = []
    for index in range(number):
        now = time.time()
        event = Event(
            id=new_event_id(),
            kind="intrusion",
            severity=Severity.HIGH,
            camera_id="gate-1",
            site_id="gate",
            region_id="village-1",
            rule_id="yard",
            rule_name="院内入侵",
            occurred_at=now,
            detected_at=now,
            measured=1,
            limit=1,
            unit="objects",
            objects=(SeenObject(track_id=index, label="person", score=0.77, box=(0.1, 0.2, 0.3, 0.4)),),
        )
        key = event.id if index % REPEATS == 0 else made[-1].dedup_key
        made.append(Candidate(event=event, dedup_key=key, window_s=30))
    return made


DEDUP = Case("dedup", "what does the event bus cost above the bare script, and what do batches gain?", run)
