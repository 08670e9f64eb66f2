"""A table of cameras against the settings: which rows could be saved. Blocks on the resolver of host names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from configs.schema import Settings, StreamSettings
from dashboard.access.viewer import Viewer
from dashboard.errors import ApiError
from dashboard.policy import Action
from dashboard.setup import sheet
from dashboard.setup.messages import CameraDraft, CellFault, Column, ImportReport, ImportRow, Saved, draft_of
from dashboard.setup.networks import Resolve, place, resolve
from dashboard.setup.sheet import NoTable, Row


@dataclass(frozen=True, slots=True)
class Table:
    """``known``: cameras that are there already."""

    rows: tuple[Row, ...]
    known: frozenset[str]

    @property
    def drafts(self) -> tuple[CameraDraft, ...]:
        """Of the rows without a fault."""
        return tuple(row.draft for row in self.rows if row.draft is not None)

    def told(self, saved: Saved | None = None) -> ImportReport:
        """As the page reads it."""
        good = len(self.drafts)
        return ImportReport(
            rows=tuple(
                ImportRow(row=row.number, id=row.id, name=row.name, new=row.id not in self.known, fault=row.fault)
                for row in self.rows
            ),
            good=good,
            bad=len(self.rows) - good,
            saved=saved,
        )


def read_table(data: bytes, viewer: Viewer, settings: Settings, resolve: Resolve = resolve) -> Table:
    """Raises :class:`ApiError` for what is no table."""
    kept = {camera.id: draft_of(camera) for camera in settings.cameras}
    try:
        rows = sheet.read(data, kept)
    except NoTable as error:
        raise ApiError(
            422,
            "no_table",
            f"The file cannot be read: {error}.",
            "Use the template.",
            detail={"reason": error.reason, "value": error.value},
        ) from None
    passwords = {camera.id for camera in settings.cameras if camera.credentials is not None}
    regions = {site.id: site.region for site in settings.sites}
    once = lru_cache(maxsize=None)(resolve)

    def fault(draft: CameraDraft) -> CellFault | None:
        former = kept.get(draft.id)
        places = [draft.site] if former is None else [draft.site, former.site]
        if draft.site not in regions:
            return CellFault(column="site", code="unknown_site", value=draft.site)
        if not all(viewer.may(Action.SETTINGS_CHANGE, regions[site]) for site in places):
            return CellFault(column="site", code="beyond_region")
        if draft.username is not None and draft.password is None and draft.id not in passwords:
            return CellFault(column="password", code="missing")
        return _address(draft, former, settings.setup.camera_networks, once)

    judged = [(row, None if row.draft is None else fault(row.draft)) for row in rows]
    found = tuple(row if wrong is None else replace(row, draft=None, fault=wrong) for row, wrong in judged)
    return Table(found, frozenset(kept))


def _address(
    draft: CameraDraft, former: CameraDraft | None, networks: Sequence[str], resolve: Resolve
) -> CellFault | None:
    known = set() if former is None else {stream.url for stream in (former.main, former.sub) if stream is not None}
    streams: tuple[tuple[Column, StreamSettings | None], ...] = (("main_url", draft.main), ("sub_url", draft.sub))
    for column, stream in streams:
        if stream is not None and stream.url not in known:
            address = place(stream.url, networks, resolve).refused
            if address is not None:
                return CellFault(column=column, code="address_not_allowed", value=address)
    return None
