"""Reports numbered candidates through the product's own publisher and spool, until SIGTERM or a kill.

``python -m benchmarks.chaos_load STATE_DIR FIRST RATE``: RATE candidates a second, two to a happening. A process of its
own, so that it can be killed like a worker.
"""

from __future__ import annotations

import signal
import sys
import threading
import time
from functools import partial
from pathlib import Path

from alerts import redis_server
from alerts.bus import EVENTS_KEY, EventBus
from alerts.delivery.connection import connect
from alerts.delivery.publisher import Publisher
from alerts.delivery.spool import Spool
from alerts.delivery.trim import GROUP, stored_up_to
from alerts.event import Candidate, Event
from alerts.event_id import new_event_id
from configs.schema import Severity

NAME = "load"
CAMERA = "numbered"
WINDOW_S = 3600.0
FLUSH_S = 10.0


def numbered(number: int) -> Candidate:
    """The candidate of this number; an even one and the next are one happening."""
    now = time.time()
    event = Event(
        id=new_event_id(),
        kind="intrusion",
        severity=Severity.LOW,
        camera_id=CAMERA,
        site_id=CAMERA,
        region_id=CAMERA,
        rule_id=f"pair-{number // 2}",
        rule_name=str(number),
        occurred_at=now,
        detected_at=now,
        measured=1,
        limit=1,
        unit="objects",
    )
    return Candidate(event=event, dedup_key=f"{CAMERA}:{number // 2}", window_s=WINDOW_S)


def main(state_dir: Path, first: int, rate: float) -> None:
    """Report until SIGTERM; then let what waits be sent."""
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    client = connect(redis_server.command(state_dir).url, name=NAME)
    spool = Spool(state_dir / "spool" / NAME)
    publisher = Publisher(
        EventBus(client), spool=spool, stored_up_to=partial(stored_up_to, client, EVENTS_KEY, GROUP), cameras=[CAMERA]
    )
    publishing = threading.Thread(target=publisher.run, name="publish", daemon=True)
    publishing.start()
    number = first
    while not stop.wait(1 / rate):
        publisher.submit([numbered(number)])
        number += 1
    publisher.stop(FLUSH_S)
    publishing.join(2)
    spool.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))
