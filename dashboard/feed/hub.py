"""One reader of the event stream a process, for all of its browsers.

The hub follows ``xl:events`` with its own cursor, looks at health and rotation, and hands everyone the same messages:
an item is serialised once, a batch once for all clients with equal rights, at most ten batches a second. A client is
never awaited: it has a bounded queue, and who is too slow is disconnected and resumes from its last id.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable

import structlog
from pydantic import ValidationError

from alerts.records import EventRow
from dashboard.access.viewer import Viewer
from dashboard.bus import Bus, Entry, StreamId
from dashboard.errors import BusAway
from dashboard.feed.client import QUEUE_LIMIT, FeedClient
from dashboard.feed.entries import EntryReader, RegionLookup, event_item, newest, place_of, told_item
from dashboard.feed.items import Item, batch, visible_rotation
from dashboard.feed.status import camera_status, readable
from dashboard.messages import CameraStatus, RotationItem, SettingsItem, TimeItem, TroubleItem
from dashboard.patrol.rotation import Machine, Rotation, RotationState
from dashboard.policy import Action
from dashboard.regions import RegionIndex, Scope

log = structlog.get_logger(__name__)

COALESCE_S = 0.1
LOOK_S = 0.25
HEALTH_EVERY = 4
TIME_EVERY = 20
RETRY_S = 0.3


class Hub:
    """``run`` until cancelled; everything else is called from the same event loop."""

    def __init__(
        self,
        bus: Bus,
        regions: RegionIndex,
        machine: Machine,
        region_lookup: RegionLookup,
        clock: Callable[[], float],
        revision: Callable[[], int] = lambda: 0,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        queue_limit: int = QUEUE_LIMIT,
    ) -> None:
        self.queue_limit = queue_limit
        self._bus = bus
        self._regions = regions
        self._machine = machine
        self._region_lookup = region_lookup
        self._clock = clock
        self._revision = revision
        self._told_revision = 0
        self._sleep = sleep
        self.reader = EntryReader()
        self.cursor: StreamId | None = None
        self.answering = asyncio.Event()
        self.trouble: TroubleItem | None = None
        self.disk: TroubleItem | None = None
        self._clients: set[FeedClient] = set()
        self._pending: list[Item] = []
        self._work = asyncio.Event()
        self._health_raw: dict[str, str] = {}
        self._statuses: dict[str, CameraStatus] = {}
        self._status_json: dict[str, str] = {}
        self._changed: set[str] = set()
        self._rotation_raw = ""
        self._rotation: Rotation | None = None
        self._rotation_changed = False
        self._kept: dict[str, Item] = {}
        self._figures = dict.fromkeys(
            (
                "events",
                "alarms",
                "situations",
                "unplaced",
                "batches",
                "serialised",
                "too_slow",
                "bad_messages",
                "bus_interruptions",
                "joined",
            ),
            0,
        )

    # --- clients

    def join(self, viewer: Viewer) -> FeedClient:
        """From here on the client gets what comes after its ``joined_at``. The hub must be answering."""
        if self.cursor is None:
            raise RuntimeError("the hub has no position yet: wait for `answering`")
        self._flush()  # what is pending lies before the cursor: it is the others'
        client = FeedClient(viewer, self.cursor, self.queue_limit)
        self._clients.add(client)
        self._figures["joined"] += 1
        return client

    def let_go(self, viewer: Viewer) -> None:
        """A browser was too slow and has been disconnected; it resumes from its last id."""
        self._figures["too_slow"] += 1
        log.warning("feed_client_too_slow", account=viewer.account.username)

    def refuse(self, viewer: Viewer, reason: str) -> None:
        """A browser said what no page says, and has been disconnected."""
        self._figures["bad_messages"] += 1
        log.warning("feed_bad_message", account=viewer.account.username, reason=reason)

    def viewers(self) -> tuple[Viewer, ...]:
        """Who is connected, each browser for itself."""
        return tuple(client.viewer for client in self._clients)

    def leave(self, client: FeedClient) -> None:
        self._clients.discard(client)

    def standing(self, viewer: Viewer) -> list[str]:
        """Items for who has just joined: health of every camera, rotation, what is kept, as far as the viewer may."""
        items = []
        health = self._health_json(viewer, self._statuses)
        if health:
            items.append(health)
        rotation = self._rotation_json(viewer)
        if rotation:
            items.append(rotation)
        items += [item.json for item in self._kept.values() if item.visible(viewer)]
        items += [trouble.model_dump_json() for trouble in (self.trouble, self.disk) if trouble is not None]
        return items

    def figures(self) -> dict[str, int]:
        """Counters since the start, and ``clients`` now."""
        return {**self._figures, "clients": len(self._clients), "undecodable": self.reader.undecodable}

    def rotation_stored(self, raw: str) -> None:
        """This process' driver has stored a new rotation: no need to wait for the next look."""
        self._take_rotation(raw)

    def keep(self, key: str, item: Item) -> None:
        """Tells everyone, and whoever joins later, until ``key`` is told anew."""
        self._kept[key] = item
        self._publish(item)

    def forget(self, key: str) -> None:
        """Who joins from now on is not told any more."""
        self._kept.pop(key, None)

    # --- the loops

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._follow())
            tasks.create_task(self._look())
            tasks.create_task(self._deliver())

    async def _follow(self) -> None:
        """Reads the stream; while Redis is away says so and tries again, from the same position."""
        while True:
            try:
                if self.cursor is None:
                    self.cursor = await self._bus.last_id()
                self._back()
                entries = await self._bus.read(self.cursor)
            except BusAway:
                self._away()
                await self._sleep(RETRY_S)
                continue
            for entry in entries:
                await self._take(entry)

    async def _take(self, entry: Entry) -> None:
        decoded = self.reader.decode(entry)
        if isinstance(decoded, EventRow):
            self.cursor = entry.id
            self._figures["events"] += 1
            self._publish(event_item(decoded, late=False))
            return
        region = None if decoded is None else await place_of(decoded, self.reader, self._region_lookup)
        self.cursor = entry.id
        if decoded is None:
            return
        if region is None:
            self._figures["unplaced"] += 1
            log.warning("told_of_unknown_event", id=str(entry.id), type=entry.type, event_id=decoded.event_id)
            return
        self._figures["alarms" if entry.type == "alarm" else "situations"] += 1
        self._publish(told_item(entry, decoded, region))

    async def _look(self) -> None:
        """Health once a second, the rotation and the settings four times, the time every five seconds."""
        turn = 0
        while True:
            self._look_at_settings()
            try:
                self._take_rotation(await self._bus.rotation())
                if turn % HEALTH_EVERY == 0:
                    self._take_health(await self._bus.health())
                    self._take_disk(await self._bus.workers())
            except BusAway:
                self._take_health(self._health_raw)  # silence grows while nobody answers
            if turn % TIME_EVERY == 0:
                self._publish(Item(TimeItem(server_time=self._clock()).model_dump_json()))
            turn += 1
            await self._sleep(LOOK_S)

    async def _deliver(self) -> None:
        """At once after a quiet spell, then at most every :data:`COALESCE_S`."""
        while True:
            await self._work.wait()
            self._work.clear()
            self._flush()
            await self._sleep(COALESCE_S)

    # --- what came

    def _publish(self, item: Item) -> None:
        self._pending.append(item)
        self._work.set()

    def _away(self) -> None:
        if self.trouble is None:
            self.trouble = TroubleItem(part="redis", since=self._clock(), over=False)
            self._figures["bus_interruptions"] += 1
            self.answering.clear()
            log.warning("bus_away")
            self._publish(Item(self.trouble.model_dump_json()))

    def _back(self) -> None:
        if self.trouble is not None:
            log.info("bus_back", away_s=round(self._clock() - self.trouble.since, 1))
            self._publish(Item(self.trouble.model_copy(update={"over": True}).model_dump_json()))
            self.trouble = None
        self.answering.set()

    def _take_health(self, raw: dict[str, str]) -> None:
        now = self._clock()
        for camera_id in self._regions.site_of_camera:
            text = raw.get(camera_id)
            known = self._statuses.get(camera_id)
            if known is not None and text == self._health_raw.get(camera_id) and known.worker_silent:
                continue
            status = camera_status(camera_id, text, now)
            if status != known:
                self._statuses[camera_id] = status
                self._status_json[camera_id] = status.model_dump_json()
                self._changed.add(camera_id)
        self._health_raw = raw
        if self._changed:
            self._work.set()

    def _look_at_settings(self) -> None:
        number = self._revision()
        if number != self._told_revision:
            self._told_revision = number
            for gone in self._statuses.keys() - self._regions.site_of_camera.keys():
                del self._statuses[gone], self._status_json[gone]
                self._changed.discard(gone)
            self.keep("settings", Item(SettingsItem(revision=number).model_dump_json()))

    def _take_disk(self, raw: dict[str, str]) -> None:
        warned = any(each.recording is not None and each.recording.warning is not None for each in readable(raw))
        if warned and self.disk is None:
            self.disk = TroubleItem(part="disk", since=self._clock(), over=False)
            self._publish(Item(self.disk.model_dump_json()))
        elif not warned and self.disk is not None:
            self._publish(Item(self.disk.model_copy(update={"over": True}).model_dump_json()))
            self.disk = None

    def _take_rotation(self, raw: str) -> None:
        if raw == self._rotation_raw:
            return
        self._rotation_raw = raw
        if not raw:
            return
        try:
            state = RotationState.model_validate_json(raw)
        except ValidationError as error:
            log.warning("undecodable_rotation", faults=error.error_count())
            return
        self._rotation = self._machine.view(state, self._clock())
        self._rotation_changed = True
        self._work.set()

    # --- what goes

    def _flush(self) -> None:
        items, self._pending = newest(self._pending), []
        changed, self._changed = self._changed, set()
        rotation_changed, self._rotation_changed = self._rotation_changed, False
        groups: dict[object, list[FeedClient]] = {}
        for client in self._clients:
            groups.setdefault(client.viewer.rights, []).append(client)
        last_id = None if self.cursor is None else str(self.cursor)
        for clients in groups.values():
            viewer = clients[0].viewer
            texts = [item.json for item in items if item.visible(viewer)]
            health = self._health_json(viewer, changed)
            texts += [health] if health else []
            rotation = self._rotation_json(viewer) if rotation_changed else None
            texts += [rotation] if rotation else []
            if texts:
                self._figures["serialised"] += 1
                self._hand_out(clients, batch(last_id, texts))

    def _hand_out(self, clients: Iterable[FeedClient], text: str) -> None:
        for client in clients:
            if client.offer(text):
                self._figures["batches"] += 1
            else:
                self._clients.discard(client)  # its session ends it, and counts it

    def _health_json(self, viewer: Viewer, cameras: Iterable[str]) -> str | None:
        seen = [
            self._status_json[camera_id]
            for camera_id in sorted(cameras)
            if viewer.may(Action.CAMERA_READ, self._regions.region_of_camera(camera_id))
        ]
        return f'{{"type":"health","cameras":[{",".join(seen)}]}}' if seen else None

    def _rotation_json(self, viewer: Viewer) -> str | None:
        if self._rotation is None or not viewer.may(Action.PATROL_READ):
            return None
        return RotationItem(rotation=self.rotation_for(viewer.scope, self._rotation)).model_dump_json()

    def rotation_for(self, scope: Scope, rotation: Rotation) -> Rotation:
        return visible_rotation(rotation, scope, self._regions)
