"""The dashboard's process: API, feed, live proxy, rotation and the wall's files."""

from __future__ import annotations

import os
import socket
import sys
import time
from contextlib import suppress
from functools import partial
from importlib.metadata import version
from pathlib import Path
from urllib.parse import urlsplit

from prometheus_client import start_http_server

from alerts.storage.database import open_engine
from alerts.storage.evidence import EvidenceStore
from alerts.storage.revisions import RevisionStore
from alerts.storage.samples import SampleStore
from alerts.store import EventStore
from configs.loader import load_data
from configs.schema import Settings
from dashboard.accounts import AccountStore
from dashboard.app import create_app
from dashboard.bus import open_redis
from dashboard.dependencies import Dependencies
from dashboard.patrol.log import VisitLog
from dashboard.scenes.store import SceneStore
from dashboard.screens.enrolment import Enrolment
from dashboard.serve import PortTaken, bind, port_of, serve
from xueliang.known_classes import known_classes
from xueliang.preflight import CannotStart
from xueliang.processes.start import arguments, run
from xueliang.processes.storage import opening
from xueliang.supervisor import run_files
from xueliang.surroundings import database_url, evidence_dir, web_dist


def _listen(settings: Settings) -> socket.socket:
    """A free port, where one is asked for, is kept over a restart: the pages that are open look for us there."""
    told = run_files.read(settings.state_dir, "dashboard")
    before = urlsplit(told.public).port if told is not None and told.public is not None else None
    if settings.listen.port == 0 and before is not None:
        with suppress(PortTaken):
            return bind(settings.listen.host, before)
    return bind(settings.listen.host, settings.listen.port)


def body(settings: Settings, config: Path) -> None:
    """Serve until SIGTERM."""
    if settings.redis_url is None:
        raise CannotStart("the dashboard was given no REDIS_URL: start it by xueliang up")
    try:
        listening = _listen(settings)
    except PortTaken as error:
        raise CannotStart(str(error)) from None
    with opening(settings):
        engine = open_engine(database_url(settings))
        store = EventStore(engine)
        store.migrate()
        accounts = AccountStore(engine, time.time)
        accounts.migrate()
        EvidenceStore(engine).migrate()
        RevisionStore(engine).migrate()
        SceneStore(engine).migrate()
        SampleStore(engine).migrate()
        VisitLog(engine).migrate()
        Enrolment(engine).migrate()
    app = create_app(
        Dependencies(
            settings=settings,
            store=store,
            accounts=accounts,
            redis=open_redis(settings.redis_url.get_secret_value()),
            clock=time.time,
            evidence_dir=evidence_dir(settings),
            web_dist=web_dist(),
            version=version("xueliang"),
            owner=f"{socket.gethostname()}-{os.getpid()}",
            read_settings=partial(load_data, file=config, environ=os.environ, classes=known_classes),
        )
    )
    private, _ = start_http_server(0, "127.0.0.1", app.state.registry)

    def announce() -> None:
        host = settings.listen.host if settings.listen.host not in ("0.0.0.0", "::") else "127.0.0.1"
        run_files.announce(
            settings.state_dir,
            "dashboard",
            f"http://127.0.0.1:{private.server_port}",
            public=f"http://{host}:{port_of(listening)}",
        )

    serve(app, listening, on_ready=announce)
    private.shutdown()
    engine.dispose()


if __name__ == "__main__":
    given = arguments("dashboard").parse_args()
    sys.exit(run("dashboard", given.config, partial(body, config=given.config)))
