"""Setting up by page: cameras with their zones, lines and rules, as revisions of the settings."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
from fastapi import APIRouter, Query, Request
from fastapi.responses import Response, StreamingResponse
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool

from alerts.health import WorkerInfo
from alerts.storage.revisions import UnknownRevision
from configs.revision import as_yaml, with_cameras, without_camera
from configs.schema import Camera
from dashboard.access.guard import SettingsChanger, SettingsReader
from dashboard.access.viewer import Viewer
from dashboard.dependencies import Deps, Parts
from dashboard.errors import RESPONSES, ApiError, not_found
from dashboard.feed.status import readable
from dashboard.live.directory import holder_of
from dashboard.policy import Action
from dashboard.routes.session import address_of
from dashboard.setup import sheet
from dashboard.setup.messages import (
    CameraDraft,
    ImportReport,
    ProbeReport,
    Probing,
    Rehearsing,
    Restoring,
    RevisionPage,
    Saved,
    Saving,
    SetupState,
    told,
)
from dashboard.setup.saving import Edit, info, tree_of
from dashboard.setup.table import Table, read_table

router = APIRouter(prefix="/api/setup", tags=["setup"], responses=RESPONSES)

CONNECT_S, PROBE_S = 3.0, 40.0
MOST_TABLE_BYTES = 8 << 20
_CSV: dict[int | str, dict[str, Any]] = {200: {"content": {"text/csv": {"schema": {"type": "string"}}}}}
_FILE = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}
_YAML: dict[int | str, dict[str, Any]] = {200: {"content": {"application/yaml": {"schema": {"type": "string"}}}}}


@router.get("")
async def state(viewer: SettingsReader, deps: Deps) -> SetupState:
    """The cameras of the newest revision that the account covers, with what is drawn on them."""
    await run_in_threadpool(deps.current.look)
    workers = readable(await deps.bus.workers())
    settings = deps.settings
    return SetupState(
        revision=deps.current.number,
        applied=min((worker.revision for worker in workers), default=0),
        networks=settings.setup.camera_networks,
        cameras=tuple(told(camera) for camera in settings.cameras if _covered(viewer, deps, camera)),
    )


@router.post("/cameras")
def save(viewer: SettingsChanger, request: Request, deps: Deps, body: Saving) -> Saved:
    """Add the camera, or put it in the place of the one with its id. Its worker follows within seconds, no other
    camera notices. 409 where another has changed the settings since ``base``."""
    former = _former(viewer, deps, body.camera)
    tree, secrets = tree_of(body.camera, former, deps.settings.state_dir)
    edit = Edit(body.base, body.why, partial(with_cameras, cameras=[tree]), secrets=secrets)
    return _save(viewer, request, deps, edit, body.camera.id)


@router.delete("/cameras/{camera_id}")
def remove(viewer: SettingsChanger, request: Request, deps: Deps, camera_id: str, base: int, why: str = "") -> Saved:
    """Take the camera out. Its recordings and events stay as long as all others do."""
    if camera_id not in {camera.id for camera in deps.settings.cameras if _covered(viewer, deps, camera)}:
        raise not_found("camera")
    edit = Edit(base, why[:200], partial(without_camera, camera_id=camera_id))
    return _save(viewer, request, deps, edit, camera_id)


@router.get("/revisions")
def revisions(
    _: SettingsReader, deps: Deps, limit: int = Query(default=50, ge=1, le=200), before: int | None = None
) -> RevisionPage:
    """Who changed the settings, when and why."""
    return RevisionPage(revisions=tuple(info(note) for note in deps.revisions.notes(limit, before)))


@router.post("/revisions/{number}/restore")
def restore(viewer: SettingsChanger, request: Request, deps: Deps, number: int, body: Restoring) -> Saved:
    """A new revision that says what revision ``number`` said: undoes everything that came after it."""
    try:
        tree = deps.revisions.get(number).tree
    except UnknownRevision:
        raise not_found("revision") from None
    return _save(viewer, request, deps, Edit(body.base, body.why, lambda _: tree, "restore"), str(number))


@router.get("/export", response_class=Response, responses=_YAML)
def export(viewer: SettingsReader, deps: Deps) -> Response:
    """The newest revision as the YAML that ``xueliang config apply`` reads; no password stands in it."""
    if viewer.scope is not None:
        raise ApiError(403, "beyond_region", "The export holds every region.", "Ask an engineer of the county.")
    newest = deps.saving.newest()
    text = as_yaml(newest.tree, f"Revision {newest.number}.")
    headers = {"content-disposition": f'attachment; filename="xueliang-{newest.number}.yaml"'}
    return Response(text, media_type="application/yaml", headers=headers)


@router.get("/template", response_class=Response, responses=_CSV)
def template(_: SettingsReader) -> Response:
    """An empty table of cameras, as CSV."""
    headers = {"content-disposition": 'attachment; filename="cameras.csv"'}
    return Response(sheet.template(), media_type="text/csv; charset=utf-8", headers=headers)


@router.post("/import", openapi_extra=_FILE)
async def import_table(
    viewer: SettingsChanger, request: Request, deps: Deps, base: int, apply: bool = False, why: str = ""
) -> ImportReport:
    """Cameras from a table, CSV or XLSX: what each row comes to and what is wrong with it. With ``apply`` the rows
    without a fault are saved, all in one revision; without it nothing is."""
    data = await _body(request)
    report = await run_in_threadpool(read_table, data, viewer, deps.settings)
    if not apply or not report.drafts:
        return report.told()
    saved = await run_in_threadpool(_save_table, viewer, request, deps, base, report, why[:200])
    return report.told(saved)


@router.post("/probe")
async def probe(viewer: SettingsChanger, deps: Deps, body: Probing) -> ProbeReport:
    """Open the stream as a worker would, watch it for some seconds, and tell what it is, with a picture of it."""
    settings = deps.settings
    address = await run_in_threadpool(deps.saving.address_of, body.stream.url, settings)
    if address is None:
        return ProbeReport(fault="unknown_host", detail="the server knows no address of the camera's host name")
    password = body.password.get_secret_value() if body.password is not None else ""
    if body.password is None and body.camera is not None:
        kept = next((camera for camera in settings.cameras if camera.id == body.camera), None)
        # A kept password goes where it belongs, and nowhere else.
        if kept is not None and kept.credentials is not None and _covered(viewer, deps, kept) and _is_of(body, kept):
            password = kept.credentials.password.get_secret_value()
    asked = {**body.stream.model_dump(), "username": body.username or "", "password": password, "address": address}
    workers = readable(await deps.bus.workers())
    if not workers:
        raise _away()
    worker = min(workers, key=lambda each: len(each.cameras))
    async with _client() as client:
        try:
            answer = await client.post(f"{worker.url}/probe", json=asked)
            return ProbeReport.model_validate_json(answer.raise_for_status().content)
        except (httpx.HTTPError, ValidationError):
            raise _away() from None


@router.post("/rehearse", response_class=StreamingResponse)
async def rehearse(viewer: SettingsChanger, deps: Deps, body: Rehearsing) -> StreamingResponse:
    """What the draft's rules would find on what the camera shows now: a JSON line a second and at each finding.

    The camera must be one that is watched already; nothing is stored, and nobody is told. Ends when the page leaves.
    """
    draft = body.camera
    former = _former(viewer, deps, draft)
    if former is None:
        raise not_found("camera")
    camera = Camera.model_validate(draft.model_dump(exclude={"username", "password"}))
    newest = await run_in_threadpool(deps.saving.newest)
    await run_in_threadpool(deps.saving.read, with_cameras(newest.tree, [camera.model_dump(mode="json")]))
    holder = holder_of(draft.id, await deps.bus.workers())
    if holder is None:
        raise _away()
    return StreamingResponse(await _lines(holder, camera), media_type="application/x-ndjson")


async def _body(request: Request) -> bytes:
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > MOST_TABLE_BYTES:
            raise ApiError(413, "too_large", "The file is larger than 8 MiB.", "Split the table.")
    return bytes(data)


def _save_table(viewer: Viewer, request: Request, deps: Parts, base: int, table: Table, why: str) -> Saved:
    kept = {camera.id: camera for camera in deps.settings.cameras}
    trees, secrets = [], list[Path]()
    try:
        for draft in table.drafts:
            tree, written = tree_of(draft, kept.get(draft.id), deps.settings.state_dir)
            trees.append(tree)
            secrets += written
    except BaseException:
        for secret in secrets:
            secret.unlink(missing_ok=True)
        raise
    edit = Edit(base, why, partial(with_cameras, cameras=trees), secrets=tuple(secrets))
    return _save(viewer, request, deps, edit, f"{len(trees)} cameras")


async def _lines(holder: WorkerInfo, camera: Camera) -> AsyncIterator[bytes]:
    client = _client()
    try:
        asked = client.build_request("POST", f"{holder.url}/rehearse", json=camera.model_dump(mode="json"))
        upstream = await client.send(asked, stream=True)
        if upstream.status_code != 200:
            raise _away()
    except httpx.HTTPError:
        await client.aclose()
        raise _away() from None
    except BaseException:
        await client.aclose()
        raise

    async def forwarded() -> AsyncIterator[bytes]:
        try:
            async for chunk in upstream.aiter_raw():
                yield chunk
        finally:
            await upstream.aclose()
            await client.aclose()

    return forwarded()


def _save(viewer: Viewer, request: Request, deps: Parts, edit: Edit, target: str) -> Saved:
    saved = deps.saving.save(viewer, edit)
    deps.accounts.record(
        f"settings.{edit.kind}",
        viewer.account.username,
        address_of(request),
        target,
        f"revision {saved.revision.number}",
    )
    deps.current.look()
    return saved


def _former(viewer: Viewer, deps: Parts, draft: CameraDraft) -> Camera | None:
    """The camera that the draft takes the place of. Raises :class:`ApiError` for one that the account does not see."""
    former = next((camera for camera in deps.settings.cameras if camera.id == draft.id), None)
    if former is not None and not _covered(viewer, deps, former):
        raise not_found("camera")
    return former


def _covered(viewer: Viewer, deps: Parts, camera: Camera) -> bool:
    return viewer.may(Action.SETTINGS_READ, deps.regions.region_of_site.get(camera.site))


def _is_of(body: Probing, camera: Camera) -> bool:
    kept = camera.credentials
    known = {stream.url for stream in (camera.main, camera.sub) if stream is not None}
    return kept is not None and body.username == kept.username and body.stream.url in known


def _client() -> httpx.AsyncClient:
    return httpx.AsyncClient(trust_env=False, timeout=httpx.Timeout(PROBE_S, connect=CONNECT_S))


def _away() -> ApiError:
    return ApiError(503, "worker_away", "No worker answers.", "Try again in a few seconds.")
