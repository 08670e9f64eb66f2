"""A new revision of the settings: made of the newest, checked whole, and within the rights of who makes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from alerts.storage.revisions import Kind, Outdated, Revision, RevisionNote, RevisionStore
from configs.loader import SettingsFaults
from configs.revision import Tree, camera_tree, changes
from configs.schema import Camera, Settings
from dashboard.access.viewer import Viewer
from dashboard.errors import ApiError
from dashboard.policy import Action
from dashboard.setup import secrets
from dashboard.setup.current import Read
from dashboard.setup.messages import CameraDraft, RevisionInfo, Saved
from dashboard.setup.networks import Resolve, place, resolve

TOLD_FAULTS = 5
"""More of them in one sentence nobody reads."""


@dataclass(frozen=True, slots=True)
class Edit:
    """What makes a document of the newest one, of revision ``base``. ``secrets``: files written for it."""

    base: int
    why: str
    apply: Callable[[Tree], Tree]
    kind: Kind = "change"
    secrets: tuple[Path, ...] = ()


class Saving:
    """Blocks on the database and, for names, on the resolver."""

    def __init__(self, store: RevisionStore, read: Read, resolve: Resolve = resolve) -> None:
        self._store = store
        self._read = read
        self._resolve = resolve

    def newest(self, base: int | None = None) -> Revision:
        """Raises :class:`ApiError` where there is none, or it is not ``base``."""
        newest = self._store.last()
        if newest is None:
            raise ApiError(503, "no_settings", "The node has no settings in its database yet.", "Start the node anew.")
        if base is not None and newest.number != base:
            raise outdated(newest.note)
        return newest

    def save(self, viewer: Viewer, edit: Edit) -> Saved:
        """Raises :class:`ApiError`; then the settings are as they were, and the edit's secrets are gone."""
        try:
            return self._save(viewer, edit)
        except BaseException:
            for secret in edit.secrets:
                secret.unlink(missing_ok=True)
            raise

    def _save(self, viewer: Viewer, edit: Edit) -> Saved:
        newest = self.newest(edit.base)
        tree = edit.apply(newest.tree)
        before, after = self.read(newest.tree), self.read(tree)
        made = changes(before, after)
        self._permit(viewer, before, after, made.cameras, beyond_cameras=bool(made.sections))
        self._require_networks(before, after)
        account = viewer.account
        try:
            note = self._store.add(
                edit.base, tree, by=account.id, by_name=account.display_name, why=edit.why, kind=edit.kind
            )
        except Outdated:
            raise outdated(self.newest().note) from None
        return Saved(
            revision=info(note),
            added=made.added,
            changed=made.changed,
            removed=made.removed,
            restart=made.restart,
        )

    def read(self, tree: Mapping[str, object]) -> Settings:
        """The settings of a document. Raises :class:`ApiError` with its faults."""
        try:
            return self._read(tree)
        except SettingsFaults as faults:
            shown = [f"{fault.path}: {fault.message}" for fault in faults.faults[:TOLD_FAULTS]]
            more = len(faults.faults) - len(shown)
            text = "; ".join([*shown, *([f"and {more} more"] if more else [])])
            raise ApiError(422, "bad_settings", text, "Correct what is named.") from None

    def address_of(self, url: str, settings: Settings) -> str | None:
        """See :func:`require_network`."""
        return require_network(url, settings, self._resolve)

    def _require_networks(self, before: Settings, after: Settings) -> None:
        """Of new addresses alone: those that a file brought are its writer's business."""
        known = {url for camera in before.cameras for url in _urls(camera)}
        for camera in after.cameras:
            for url in _urls(camera):
                if url not in known:
                    require_network(url, after, self._resolve)

    @staticmethod
    def _permit(
        viewer: Viewer, before: Settings, after: Settings, cameras: tuple[str, ...], *, beyond_cameras: bool
    ) -> None:
        if beyond_cameras and viewer.scope is not None:
            raise _beyond()
        touched = set(cameras)
        for settings in (before, after):
            region_of = {site.id: site.region for site in settings.sites}
            for camera in settings.cameras:
                if camera.id in touched and not viewer.may(Action.SETTINGS_CHANGE, region_of[camera.site]):
                    raise _beyond()


def _urls(camera: Camera) -> list[str]:
    return [stream.url for stream in (camera.main, camera.sub) if stream is not None]


def require_network(url: str, settings: Settings, resolve: Resolve = resolve) -> str | None:
    """The address of ``url`` that was judged, to be opened in the place of its name; ``None`` where nobody knows one.

    Raises :class:`ApiError` where no camera may stand there.
    """
    found = place(url, settings.setup.camera_networks, resolve)
    if found.refused is not None:
        raise ApiError(
            422,
            "address_not_allowed",
            f"No camera may stand at {found.refused}.",
            "Correct the address, or have its network added to setup.camera_networks.",
            detail={"address": found.refused},
        )
    return found.address


def tree_of(draft: CameraDraft, former: Camera | None, state_dir: Path) -> tuple[Tree, tuple[Path, ...]]:
    """The draft as it stands in a document, and the file that its new password went to, if it has one."""
    tree = camera_tree(Camera.model_validate(draft.model_dump(exclude={"username", "password"})))
    if draft.username is None:
        return tree, ()
    if draft.password is not None:
        secret = secrets.keep(state_dir, draft.id, draft.password)
        return {**tree, "credentials": {"username": draft.username, "password_file": str(secret)}}, (secret,)
    kept = former.credentials if former is not None else None
    if kept is None:
        raise ApiError(
            422, "password_missing", "The camera has a user and no password.", "Give its password, or leave both out."
        )
    credentials = kept.model_dump(mode="json", exclude_none=True, include={"password_env", "password_file"})
    return {**tree, "credentials": {"username": draft.username, **credentials}}, ()


def info(note: RevisionNote) -> RevisionInfo:
    """Without the account's id."""
    return RevisionInfo.model_validate({name: value for name, value in asdict(note).items() if name != "by"})


def outdated(newest: RevisionNote) -> ApiError:
    """Somebody else was first."""
    return ApiError(
        409,
        "settings_outdated",
        f"{newest.by_name} has changed the settings meanwhile (revision {newest.number}).",
        "Read them again, then make your change anew.",
        detail={"revision": newest.number, "by_name": newest.by_name, "at": newest.at},
    )


def _beyond() -> ApiError:
    return ApiError(
        403, "beyond_region", "The change reaches beyond the regions of this account.", "Ask an engineer of the county."
    )
