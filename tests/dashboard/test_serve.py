"""Start and stop over real sockets; the page's files; the description of the API."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from dashboard import errors, static
from dashboard.openapi import text
from dashboard.serve import PortTaken, bind, port_of

ROOT = Path(__file__).parents[2]


def test_a_taken_port_is_one_line_that_says_what_to_do() -> None:
    with bind("127.0.0.1", 0) as taken:
        port = port_of(taken)
        with pytest.raises(PortTaken) as told:
            bind("127.0.0.1", port)
    assert str(port) in str(told.value)
    assert "PORT" in str(told.value)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(("host", "port"), [("192.0.2.1", 0), ("127.0.0.1", 70_000)])
def test_an_address_that_is_not_ours_is_told(host: str, port: int) -> None:
    with pytest.raises(PortTaken, match="listen"):
        bind(host, port)


async def test_a_stop_tells_open_websockets_and_waits_for_nobody(wall: Any) -> None:
    client = wall.client()
    async with asyncio.timeout(60), wall.feed(client) as feed, wall.socket("/api/live/east-1", client) as tile:
        await feed.next("hello")
        await tile.recv()
        began = time.monotonic()
        wall.server.should_exit = True
        assert [await wall.close_code(socket) for socket in (feed.socket, tile)] == [1012, 1012]
        while True:
            try:
                await asyncio.to_thread(httpx.get, f"{wall.url}/healthz")
            except httpx.TransportError:
                break
        assert time.monotonic() - began < 15


async def test_pages_assets_and_nothing_outside(tmp_path: Path) -> None:
    dist = tmp_path / "dist"
    (dist / "assets").mkdir(parents=True)
    (dist / "index.html").write_text("<p>wall</p>")
    (dist / "assets" / "app-1a2b.js").write_text("js")
    (tmp_path / "secret").write_text("secret")
    app = FastAPI()
    errors.install(app)
    app.include_router(static.router(dist))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://wall") as client:
        for page in ("/", "/history", "/login"):
            answer = await client.get(page)
            assert (answer.text, answer.headers["cache-control"]) == ("<p>wall</p>", "no-cache")
        assert "immutable" in (await client.get("/assets/app-1a2b.js")).headers["cache-control"]
        assert (await client.get("/assets/app-old.js")).status_code == 404
        for path in ("/..%2fsecret", "/%2e%2e/secret", "/assets/..%2f..%2fsecret"):
            assert "secret" not in (await client.get(path)).text


def test_a_missing_build_says_how_to_make_it(wall: Any) -> None:
    answer = wall.client(login=False).get("/history")
    assert answer.status_code == 503
    assert "make setup" in answer.text


def test_the_description_is_the_committed_one_and_complete() -> None:
    committed = (ROOT / "dashboard" / "web" / "openapi.json").read_text()
    assert text() == committed, "run: python -m dashboard.openapi > dashboard/web/openapi.json"
    described = json.loads(committed)
    assert {"Batch", "LiveMessage", "EventRow", "Rotation", "CameraStatus"} <= set(described["components"]["schemas"])
    wanted = set(re.findall(r'"#/components/schemas/([^"]+)"', committed))
    assert wanted <= set(described["components"]["schemas"])


def test_the_dashboards_process_loads_no_pixels() -> None:
    code = (
        "import sys, dashboard.app, dashboard.serve, dashboard.openapi;"
        "print([name for name in ('numpy', 'cv2', 'av', 'onnxruntime', 'scipy') if name in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
