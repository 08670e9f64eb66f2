"""The recordings of a worker put together: the taps of its cameras' streams, and who writes, cuts and deletes."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from functools import partial
from pathlib import Path

import structlog

from alerts.event import Event
from alerts.health import RecordingStatus
from alerts.recording.archive import Archive
from alerts.recording.clip_file import relative_path
from alerts.recording.clips import ClipRequest, ClipWriter
from alerts.recording.evidence import Evidence
from alerts.recording.gop import Gop
from alerts.recording.janitor import Janitor
from alerts.recording.kept_clips import KeptClips
from alerts.recording.locks import Locks
from alerts.recording.recorder import StreamRecorder
from alerts.recording.writer import RecordingWriter
from configs.recording import CameraRecording, RecordingMode
from configs.schema import Camera, Settings
from ingest.frame import StreamName
from ingest.live import Tap

log = structlog.get_logger(__name__)


class Recordings:
    """Of ``cameras``, which this worker holds. Where none of them is recorded nothing is started and nothing costs.

    ``sink`` takes the clips of alarms; ``clock``: UTC epoch s.
    """

    def __init__(
        self,
        settings: Settings,
        cameras: tuple[Camera, ...],
        *,
        folder: Path,
        evidence: Path,
        sink: Callable[[Evidence], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings.recording
        self._evidence = evidence
        self._clock = clock
        self.archive = Archive(folder)
        self.locks = Locks(self.archive)
        wanted = {camera.id: settings.recording_of(camera) for camera in settings.cameras}
        self._wanted = {camera.id: settings.recording_of(camera) for camera in cameras}
        self.janitor = Janitor(
            self.archive,
            self.locks,
            self._settings,
            {**wanted, **self._wanted},
            apply=self._step_back,
            clips=KeptClips(evidence),
            tell=sink,
            clock=clock,
        )
        self.writer = RecordingWriter(self.archive, file_s=self._settings.file_s, full=lambda: self.janitor.full)
        self.clips = ClipWriter(
            self.archive, evidence, sink, missing=self.missing, full=lambda: self.janitor.full, clock=clock
        )
        self._recorders = {name: self._recorder(name, each) for name, each in self._wanted.items() if _records(each)}
        self._started = self._writing = self._looking_after = False

    @property
    def cameras(self) -> frozenset[str]:
        """Whose recordings this worker answers for, recorded now or not."""
        return frozenset(self._wanted)

    def taps(self, camera_id: str) -> Mapping[StreamName, Tap]:
        """By stream; empty for a camera that is not recorded."""
        recorder = self._recorders.get(camera_id)
        return {} if recorder is None else {self._wanted[camera_id].stream: recorder}

    def change(self, settings: Settings, camera_ids: Collection[str], touched: Collection[str]) -> None:
        """By other settings from now on: this worker answers for ``camera_ids``. What recorded one that is ``touched``
        ends with what it has; new taps go to new readers. One caller at a time."""
        for camera_id in touched:
            if (former := self._recorders.get(camera_id)) is not None:
                former.flush()
        wanted = {camera.id: settings.recording_of(camera) for camera in settings.cameras}
        self.janitor.heed(wanted)
        self._wanted = {name: wanted[name] for name in camera_ids}
        # Other threads go through these: they see one state or the other.
        self._recorders = {
            name: self._recorder(name, each)
            if name in touched or name not in self._recorders
            else self._recorders[name]
            for name, each in self._wanted.items()
            if _records(each)
        }
        for name, mode in self.janitor.degraded().items():
            if name in touched and name in self._recorders:
                self._recorders[name].set_mode(mode, "disk_full")
        if self._started:
            self.start()

    def start(self) -> None:
        """Start the threads that have something to do."""
        self._started = True
        if not self._looking_after and (self._recorders or self.archive.root.is_dir()):
            self._looking_after = True  # what was recorded ages although nothing is any more
            self.janitor.start()
        if not self._writing and self._recorders:
            self._writing = True
            self.writer.start()
            self.clips.start(frozenset(self._recorders))

    def stop(self) -> None:
        """After the readers: write what is there and close the files."""
        self.janitor.stop(0.5)
        if not self._writing:
            return
        for recorder in self._recorders.values():
            recorder.flush()
        ended = self.clips.stop(0.5), self.writer.stop(1.5)
        if not all(ended):
            log.error("recording_hangs", clips=not ended[0], writer=not ended[1])

    def tick(self) -> None:
        """Once a second."""
        now = self._clock()
        for recorder in self._recorders.values():
            recorder.tick(now)

    def stirs(self, camera_id: str) -> None:
        """Something moves there, or a rule waits."""
        recorder = self._recorders.get(camera_id)
        if recorder is not None and recorder.mode == "activity":
            now = self._clock()
            recorder.hold(now - self._settings.pre_roll_s, now + self._settings.post_roll_s)

    def hold(self, event: Event) -> None:
        """An alarm that may be new: what surrounds it is recorded."""
        recorder = self._recorders.get(event.camera_id)
        if recorder is not None:
            recorder.hold(*self._around(event))

    def clip(self, event: Event) -> None:
        """The alarm is new, or told again after a restart: its clip is cut when its post-roll has passed, once."""
        if event.camera_id not in self._recorders:
            return
        if not (self._evidence / relative_path(event.id, event.camera_id, event.occurred_at)).exists():
            begins_at, ends_at = self._around(event)
            self.clips.request(
                ClipRequest(
                    event_id=event.id,
                    camera_id=event.camera_id,
                    moment=event.occurred_at,
                    begins_at=begins_at,
                    ends_at=ends_at,
                )
            )

    def missing(self, camera_id: str) -> str:
        """Why the camera is not recorded now; empty where it is, or nobody knows."""
        recorder = self._recorders.get(camera_id)
        if recorder is None:
            return "policy"
        return self.writer.missing(camera_id) or recorder.missing

    def status(self) -> RecordingStatus | None:
        """For health; ``None`` where nothing is recorded."""
        state = self.janitor.state
        if not self._recorders or state is None:
            return None
        return RecordingStatus(
            used_bytes=state.used_bytes,
            budget_bytes=state.budget_bytes,
            free_bytes=state.free_bytes,
            locked_bytes=state.locked_bytes,
            warning=self.janitor.warning,
            degraded={name: str(mode) for name, mode in self.janitor.degraded().items() if name in self._wanted},
        )

    def counters(self) -> dict[str, int]:
        """Since the start, of all threads."""
        parts = {"": self.writer.counters(), "clips_": self.clips.counters(), "janitor_": self.janitor.counters()}
        told = {f"{prefix}{name}": value for prefix, counts in parts.items() for name, value in counts.items()}
        return {**told, "ring_bytes": sum(recorder.ring_bytes for recorder in self._recorders.values())}

    def _recorder(self, camera_id: str, wanted: CameraRecording) -> StreamRecorder:
        submit = partial(self._submit, camera_id)
        return StreamRecorder(wanted.mode, pre_roll_s=self._settings.pre_roll_s, submit=submit)

    def _around(self, event: Event) -> tuple[float, float]:
        return event.occurred_at - self._settings.pre_roll_s, event.occurred_at + self._settings.post_roll_s

    def _submit(self, camera_id: str, gop: Gop, missing: str) -> bool:
        return self.writer.submit(camera_id, gop, missing)

    def _step_back(self, modes: Mapping[str, RecordingMode]) -> None:
        wanted = self._wanted
        for camera_id, recorder in self._recorders.items():
            if camera_id in modes and camera_id in wanted:  # not one that has just come or gone
                mode = modes[camera_id]
                recorder.set_mode(mode, "policy" if mode == wanted[camera_id].mode else "disk_full")


def _records(wanted: CameraRecording) -> bool:
    return wanted.mode != "none"
