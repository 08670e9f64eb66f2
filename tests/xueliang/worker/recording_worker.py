"""Records one camera until it is killed: ``python -m`` it with a URL and a folder. Counts its fragments aloud."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

from alerts.recording.recordings import Recordings
from configs.recording import CameraRecording
from configs.schema import Camera, CameraDetection, Settings, StreamSettings
from ingest.camera import CameraIngest
from ingest.ledger import FrameLedger
from ingest.mailbox import Mailboxes
from ingest.watch import Watch


def camera_at(url: str) -> Camera:
    """Recorded all the time, analysed never."""
    return Camera(
        id="gate",
        site="s",
        name="gate",
        main=StreamSettings(url=url),
        detection=CameraDetection(enabled=False),
        recording=CameraRecording(mode="continuous"),
    )


def recordings_of(url: str, folder: Path, **settings: float) -> Recordings:
    """Of that camera."""
    camera = camera_at(url)
    node = Settings.model_validate({"recording": {"reserve_gb": 0, **settings}})
    evidence = folder / "evidence"
    return Recordings(node, (camera,), folder=folder / "recordings", evidence=evidence, sink=lambda _: None)


def ingest_of(recordings: Recordings, url: str) -> CameraIngest:
    """Reads it."""
    ledger, taps = FrameLedger(["gate"]), recordings.taps("gate")
    return CameraIngest(camera_at(url), ledger=ledger, frames=Mailboxes(["gate"], ledger), watch=Watch(), taps=taps)


def main() -> None:
    """Until the end."""
    url, folder = sys.argv[1:]
    recordings = recordings_of(url, Path(folder), file_s=2)
    recordings.start()
    ingest_of(recordings, url).start()
    told = 0
    while True:
        threading.Event().wait(0.02)
        while told < recordings.writer.counters()["fragments"]:
            told += 1
            sys.stdout.write(f"{told}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
