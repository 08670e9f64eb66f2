"""The page: files of the web build, and ``index.html`` for every address that is a page of it."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import FileResponse, HTMLResponse, Response

from dashboard.errors import ApiError

MISSING = """<!doctype html><html lang="zh-CN"><meta charset="utf-8"><title>xueliang</title>
<body style="background:#0b0f14;color:#d7dee6;font:16px sans-serif;padding:3rem">
<p>页面尚未构建：请运行 <code>make setup</code>，然后重新启动。</p>
<p>The page is not built: run <code>make setup</code>, then start again.</p>"""
IMMUTABLE = "public, max-age=31536000, immutable"


def router(dist: Path) -> APIRouter:
    """Last of all routers: it takes every address that no other took. Nothing outside ``dist`` is ever read."""
    routes = APIRouter()
    root = dist.resolve()

    @routes.get("/{path:path}", include_in_schema=False)
    def page(path: str) -> Response:
        if path.startswith("api/"):
            raise ApiError(404, "not_found", "There is no such route.", "Check the address.")
        wanted = (root / path).resolve()
        if path and wanted.is_file() and wanted.is_relative_to(root):
            hashed = path.startswith("assets/")
            return FileResponse(wanted, headers={"cache-control": IMMUTABLE if hashed else "no-cache"})
        if path.startswith("assets/"):
            raise ApiError(404, "not_found", "The page has been updated meanwhile.", "Reload the page.")
        index = root / "index.html"
        if not index.is_file():
            return HTMLResponse(MISSING, status_code=503, headers={"cache-control": "no-cache"})
        return FileResponse(index, headers={"cache-control": "no-cache"})

    return routes
