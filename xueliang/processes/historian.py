"""The historian's process: from the event stream to the store."""

from __future__ import annotations

import signal
import sys
import threading
import time

from prometheus_client import CollectorRegistry, start_http_server

from alerts.delivery.connection import connect
from alerts.health import HealthBoard
from alerts.historian import Historian
from alerts.samples import SampleKeeper
from alerts.storage.database import open_engine
from alerts.storage.evidence import EvidenceStore
from alerts.storage.samples import SampleStore
from alerts.store import EventStore
from configs.schema import Settings
from xueliang.metrics import Counters
from xueliang.preflight import CannotStart
from xueliang.processes.start import arguments, run
from xueliang.processes.storage import opening
from xueliang.supervisor import run_files
from xueliang.surroundings import database_url, evidence_dir


def body(settings: Settings) -> None:
    """Work until SIGTERM."""
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    if settings.redis_url is None:
        raise CannotStart("the historian was given no REDIS_URL: start it by xueliang up")
    with opening(settings):
        engine = open_engine(database_url(settings))
        store, clips, samples = EventStore(engine), EvidenceStore(engine), SampleStore(engine)
        store.migrate()
        clips.migrate()
        samples.migrate()
    client = connect(settings.redis_url, name="historian")
    historian = Historian(
        client,
        store,
        consumer="historian-1",
        evidence=evidence_dir(settings),
        retention=settings.retention,
        clips=clips,
        samples=SampleKeeper(HealthBoard(client), samples, time.time),
    )
    registry = CollectorRegistry()
    registry.register(Counters("xueliang_historian", historian.counters))
    server, _ = start_http_server(0, "127.0.0.1", registry)
    run_files.announce(settings.state_dir, "historian", f"http://127.0.0.1:{server.server_port}")
    historian.run(stop)
    server.shutdown()
    engine.dispose()


if __name__ == "__main__":
    sys.exit(run("historian", arguments("historian").parse_args().config, body))
