"""A worker put together: the cameras it holds, from their sessions to the event bus. Ordered start and stop."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial

import structlog
from pydantic import SecretStr
from redis import RedisError

from alerts.bus import EVENTS_KEY, EventBus, Outcome
from alerts.delivery.connection import connect
from alerts.delivery.publisher import Publisher
from alerts.delivery.spool import Spool
from alerts.delivery.trim import GROUP, stored_up_to
from alerts.health import Fallback, HealthBoard, WorkerInfo
from alerts.recording import evidence
from alerts.recording.recordings import Recordings
from alerts.snapshot import SnapshotWriter
from configs.revision import APPLIED
from configs.schema import Camera, Settings
from detect.factory import DetectorPlan
from detect.stage import DetectionStage
from ingest.camera import CameraIngest
from ingest.fair_share import Share
from ingest.frame import StreamName
from ingest.ledger import FrameLedger
from ingest.mailbox import Mailboxes
from ingest.rtsp.decoders import Decoders
from ingest.watch import Watch
from xueliang.surroundings import evidence_dir, recordings_dir
from xueliang.worker.analysis import Analyses, CameraAnalysis
from xueliang.worker.capacity import CapacityFinder
from xueliang.worker.overload import Overload
from xueliang.worker.recorded_sink import RecordedSink
from xueliang.worker.roster import Roster
from xueliang.worker.share import MachineShare
from xueliang.worker.status import Posted, StatusThread
from xueliang.worker.touch import Touch, touch

_log = structlog.get_logger(__name__)


class WorkerNode:
    """Holds the given cameras, of that revision of the settings. ``on_failed`` is called once, from a worker thread,
    when detection has given up."""

    def __init__(
        self,
        worker_id: str,
        settings: Settings,
        cameras: tuple[Camera, ...],
        plan: DetectorPlan,
        redis_url: SecretStr,
        on_failed: Callable[[str], None],
        *,
        share: MachineShare,
        revision: int = 0,
    ) -> None:
        self.worker_id = worker_id
        self.plan = plan
        self.revision = revision
        self._settings = settings
        analysed = [camera.id for camera in cameras]
        self.ledger = FrameLedger(analysed)
        self._hardware = settings.decoding.hardware
        self.decoders = Decoders(self._hardware)
        self.mailboxes = Mailboxes(analysed, self.ledger, shares={camera.id: _share(camera) for camera in cameras})
        self.watch = Watch()
        self.snapshots = SnapshotWriter(evidence_dir(settings))
        bus = connect(redis_url, name=worker_id)
        self._spool = Spool(settings.state_dir / "spool" / worker_id)
        self.publisher = Publisher(
            EventBus(bus),
            spool=self._spool,
            stored_up_to=partial(stored_up_to, bus, EVENTS_KEY, GROUP),
            cameras=analysed,
            known=[camera.id for camera in settings.cameras],
            on_outcome=self._on_outcome,
        )
        self.recordings = Recordings(
            settings,
            cameras,
            folder=recordings_dir(settings),
            evidence=evidence_dir(settings),
            sink=partial(evidence.publish, connect(redis_url, name=f"{worker_id}-evidence")),
        )
        self._sink = RecordedSink(self.publisher, self.recordings.hold)
        self._board = HealthBoard(connect(redis_url, name=f"{worker_id}-status"))
        self._status: StatusThread | None = None
        self._publishing = threading.Thread(target=self.publisher.run, name="publish", daemon=True)
        self._on_failed = on_failed
        self._failed = False
        self._following = threading.Lock()
        self._stopped = False
        self.ingests = Roster({camera.id: self._ingest(camera) for camera in cameras})
        self.analyses = Roster({camera.id: self._analysis(camera, settings) for camera in cameras})
        self._posted = Roster({name: Posted(ingest, self.analyses[name]) for name, ingest in self.ingests.items()})
        self.stage = DetectionStage(
            plan.open, self.mailboxes, self.ledger, Analyses(self.analyses).on_result, sessions=plan.sessions
        )
        finder = CapacityFinder(plan, self.stage, share, settings.state_dir)
        self.overload = Overload(self.ingests, self.mailboxes, self.ledger, self.stage, finder, share=share)

    def start(self, url: str) -> None:
        """Start everything; ``url`` is the private port that the dashboard will find in Redis."""
        info = WorkerInfo(url=url, pid=os.getpid(), started_at=time.time())

        def told() -> WorkerInfo:
            return info.model_copy(
                update={
                    "cameras": tuple(self.ingests),
                    "revision": self.revision,
                    "admission": self.overload.admission,
                    "fallbacks": self.fallbacks,
                    "recording": self.recordings.status(),
                }
            )

        self._status = StatusThread(
            self.worker_id,
            told,
            self._posted,
            self._board,
            detector_id=self.plan.model_id,
            check=self._check,
        )
        self.recordings.start()
        self._publishing.start()
        self.watch.start()
        self.overload.set_first_levels()
        for ingest in self.ingests.values():
            ingest.start()
        self.stage.start()
        self.overload.start()
        self._status.start()
        _log.info(
            "worker_started", cameras=len(self.ingests), detector=self.plan.model_id, mode=self.plan.mode, url=url
        )

    def follow(self, settings: Settings, cameras: tuple[Camera, ...], revision: int) -> None:
        """Hold ``cameras`` of another revision from now on: those that it touches are made anew, the others go on.

        Sections other than cameras, sites and regions are followed at the next start. One caller at a time; after
        :meth:`stop` nothing is done.
        """
        with self._following:
            if self._stopped:
                return
            began, was = time.monotonic(), self._settings
            former = {camera.id: camera for camera in was.cameras if camera.id in self.ingests}
            touches = {
                camera.id: touch(former[camera.id], camera, was, settings) if camera.id in former else Touch.STREAMS
                for camera in cameras
            }
            gone = [name for name in self.ingests if name not in touches]
            anew = [name for name, how in touches.items() if how is Touch.STREAMS]
            self._let_go([*gone, *(name for name in anew if name in self.ingests)])
            self._forget(gone)
            applied = was.model_copy(update={name: getattr(settings, name) for name in APPLIED})
            self.recordings.change(applied, touches, [*gone, *anew])
            self._settings = applied
            for camera in cameras:
                if touches[camera.id] is not Touch.NOTHING:
                    self._take_on(camera, streams=touches[camera.id] is Touch.STREAMS)
            self.publisher.hold(touches, [camera.id for camera in settings.cameras])
            self.revision = revision
            self._poke()
            took_s = round(time.monotonic() - began, 2)
            rules = [name for name, how in touches.items() if how is Touch.RULES]
            _log.info("revision_followed", revision=revision, gone=gone, anew=anew, rules=rules, took_s=took_s)

    @property
    def settings(self) -> Settings:
        """By which the cameras are held now."""
        return self._settings

    def _take_on(self, camera: Camera, *, streams: bool) -> None:
        if streams:
            self.ledger.add(camera.id)
            self.mailboxes.promise(camera.id, _share(camera))
            self.ingests.put(camera.id, self._ingest(camera))
        ingest = self.ingests[camera.id]
        analysis = self._analysis(camera, self._settings)
        self.analyses.put(camera.id, analysis)
        self._posted.put(camera.id, Posted(ingest, analysis))
        if streams:
            ingest.start()

    def _let_go(self, names: Sequence[str]) -> None:
        """Their readers end; nothing of them is looked at any more."""
        ending = [self.ingests[name] for name in names]
        for ingest in ending:
            ingest.request_stop()
        for name, ingest in zip(names, ending, strict=True):
            ingest.stop()
            self._posted.remove(name)
            self.analyses.remove(name)
            self.ingests.remove(name)

    def _forget(self, names: Sequence[str]) -> None:
        try:
            self._board.forget_health(names)
        except RedisError as error:  # nobody asks for a camera that no settings name
            _log.warning("health_not_forgotten", cameras=names, error=type(error).__name__)

    def _ingest(self, camera: Camera) -> CameraIngest:
        return CameraIngest(
            camera,
            ledger=self.ledger,
            frames=self.mailboxes,
            watch=self.watch,
            on_state=lambda _: self._poke(),
            gated=self.plan.mode == "model",  # what moves is found by differences between frames: it needs them all
            model_input=self.plan.input,
            decoders=self.decoders,
            taps=self.recordings.taps(camera.id),
        )

    def _analysis(self, camera: Camera, settings: Settings) -> CameraAnalysis:
        return CameraAnalysis(
            camera,
            settings,
            labels=self.plan.labels,
            model_id=self.plan.model_id,
            snapshots=self.snapshots,
            sink=self._sink,
            publish_overlay=self.ingests[camera.id].publish_overlay,
            analysed=partial(self._analysed, camera.id),
            raise_rank=partial(self.mailboxes.raise_rank, camera.id),
        )

    def stop(self) -> None:
        """Readers first, then what follows them; what was found is published before the end. About a second."""
        began = time.monotonic()
        with self._following:
            self._stopped = True
        for ingest in self.ingests.values():
            ingest.request_stop()
        self.overload.stop(0.5)
        self.mailboxes.close()
        self.stage.stop(1.0)
        unsent = self.publisher.stop(flush_s=0.5)
        self._publishing.join(0.5)
        self._spool.close()
        if self._status is not None:
            self._status.stop(0.5)
        self.watch.stop(0.5)
        deadline = time.monotonic() + 0.5
        hanging = [
            name for name, ingest in self.ingests.items() if not ingest.join(max(0, deadline - time.monotonic()))
        ]
        self.recordings.stop()
        _log.info("worker_stopped", took_s=round(time.monotonic() - began, 2), unsent=unsent, hanging_readers=hanging)

    @property
    def fallbacks(self) -> tuple[Fallback, ...]:
        """What runs elsewhere than the settings ask for, and why."""
        told = []
        if (detection := self.plan.fallback) is not None:
            told.append(Fallback(part="detection", asked=detection.asked, used=detection.used, cause=detection.cause))
        if (cause := self.decoders.fallback) is not None:
            used = self.decoders.device or "cpu"
            told.append(Fallback(part="decoding", asked=self._hardware, used=used, cause=cause))
        return tuple(told)

    def health(self) -> dict[str, object]:
        """For ``GET /health`` of the private port."""
        stage, admission, recording = self.stage.health, self.overload.admission, self.recordings.status()
        return {
            "status": "ok" if stage.phase == "running" else "degraded",
            "worker_id": self.worker_id,
            "detector": self.plan.model_id,
            "mode": self.plan.mode,
            "reason": self.plan.reason,
            "detection": {"phase": stage.phase, "error": stage.error},
            "sessions": self.stage.metrics().sessions,
            "accelerator": self.plan.accelerator,
            "batch": self.plan.batch,
            "decoding": self.decoders.device or "cpu",
            "fallbacks": [each.model_dump() for each in self.fallbacks],
            "admission": None if admission is None else admission.model_dump(),
            "spool": self.publisher.trouble,
            "recording": None if recording is None else recording.model_dump(),
            "cameras": {name: str(ingest.state.phase) for name, ingest in self.ingests.items()},
        }

    def _analysed(self, camera_id: str, stream: StreamName, pts_s: float, matters: bool) -> None:
        ingest = self.ingests.get(camera_id)
        if ingest is None:
            return
        ingest.analysed(stream, pts_s, matters)
        if matters:
            self.recordings.stirs(camera_id)

    def _poke(self) -> None:
        if self._status is not None:
            self._status.poke()

    def _on_outcome(self, outcome: Outcome) -> None:
        if outcome.merged_into is not None:
            self.snapshots.discard(outcome.candidate)
        elif outcome.stream_id is not None:
            self.recordings.clip(outcome.candidate.event)

    def _check(self) -> None:
        self.recordings.tick()
        stage = self.stage.health
        if stage.phase == "failed" and not self._failed:
            self._failed = True
            self._on_failed(stage.error or "detection failed")


def _share(camera: Camera) -> Share:
    return Share(camera.detection.fps, camera.detection.min_fps, camera.detection.priority)
