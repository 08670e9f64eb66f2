"""Footage through gate, decoder, detector, tracker and rules, without a clock: what is found, and when in the footage.

Full and gated analysis of the same footage differ in nothing but the gate, so their events can be compared one by one.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import av

from alerts.event import Candidate
from alerts.rules.base import Ongoing
from alerts.snapshot import SnapshotWriter
from configs.schema import Camera, Settings
from detect.detector import CameraDetectors
from ingest.frame import Frame
from ingest.gating.gate import GateCounts, GateLimits, PacketGate
from ingest.ledger import Account, FrameLedger
from ingest.nal import CodecName, split_length_prefixed
from ingest.packet import SYNTAX, TIMESCALE, AccessUnit, parameter_sets_of_extradata
from ingest.rtsp.decoding import FrameDecoder, UnitDecoder
from ingest.rtsp.gated import GatedDecoder
from xueliang.worker.analysis import CameraAnalysis


@dataclass(frozen=True, slots=True)
class Happening:
    """One event after dedup: ``at`` seconds into the footage."""

    key: str
    at: float


@dataclass(frozen=True, slots=True)
class Replayed:
    """What came of a run: ``decoded_share`` of the pictures went through the decoder's gate."""

    happenings: tuple[Happening, ...]
    account: Account
    gate: GateCounts | None


def units(file: Path, turns: int) -> Iterator[AccessUnit]:
    """The pictures of a looped MP4 file without B-frames, their times running on over the seams."""
    index = 0
    for _ in range(turns):
        with av.open(str(file)) as container:
            stream = container.streams.video[0]
            codec: CodecName = "h264" if stream.codec_context.name == "h264" else "hevc"
            parameters = parameter_sets_of_extradata(codec, stream.codec_context.extradata)
            rate = stream.average_rate
            if parameters is None or rate is None:
                raise ValueError(f"{file.name}: no parameter sets or no rate")
            for packet in container.demux(stream):
                if not packet.size:
                    continue
                at = round(index * TIMESCALE / rate)
                seconds = at / TIMESCALE
                yield AccessUnit(
                    units=SYNTAX[codec].picture_units(split_length_prefixed(bytes(packet))),
                    dts=at,
                    pts=at,
                    keyframe=packet.is_keyframe,
                    captured_at=seconds,
                    clock="rtcp",
                    arrived_at=seconds,
                    parameters=parameters,
                )
                index += 1


def replay(
    pictures: Iterator[AccessUnit],
    camera: Camera,
    settings: Settings,
    detectors: CameraDetectors,
    workdir: Path,
    *,
    gated: bool,
) -> Replayed:
    """Run the footage as ``camera``. Every frame that is offered is analysed at once."""
    ledger = FrameLedger([camera.id])
    gate = PacketGate(GateLimits(floor_s=camera.detection.look_every_s)) if gated else None
    sink = Sink()
    detector = detectors.for_camera(camera.id)
    analysis = CameraAnalysis(
        camera,
        settings,
        labels=detector.labels,
        model_id=detector.model_id,
        snapshots=SnapshotWriter(workdir),
        sink=sink,
        publish_overlay=lambda _at, _render: None,
        analysed=lambda _, pts_s, matters: gate.found(pts_s, matters=matters) if gate is not None else None,
    )

    def analyse(frame: Frame) -> None:
        analysis.on_detections(frame, detector.detect(frame.picture))
        ledger.analysed(camera.id)

    frames = FrameDecoder(camera.id, "main", fps=camera.detection.fps, ledger=ledger, target=_Target(analyse))
    decoder: UnitDecoder = frames if gate is None else GatedDecoder(camera.id, frames, gate, ledger)
    for unit in pictures:
        decoder.decode(unit)
    return Replayed(sink.happenings(), ledger.account(camera.id), None if gate is None else gate.counts())


@dataclass(frozen=True, slots=True)
class _Target:
    """A mailbox that is emptied at once."""

    analyse: Callable[[Frame], None]

    def put(self, frame: Frame) -> None:
        self.analyse(frame)


@dataclass(slots=True)
class Sink:
    """Collects candidates, and merges them by key and window as the bus does."""

    candidates: list[Candidate] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def submit(self, candidates: Sequence[Candidate]) -> None:
        """See ``CandidateSink``."""
        self.candidates += candidates

    def observe(self, ongoing: Mapping[str, Ongoing], at: float) -> None:
        """What lasts is not compared."""

    def likely_repeat(self, dedup_key: str) -> bool:
        """Always: pictures are not wanted here."""
        return bool(dedup_key)

    def happenings(self) -> tuple[Happening, ...]:
        """What would have been told, in order."""
        until: dict[str, float] = {}
        told = []
        for candidate in self.candidates:
            key, at = candidate.dedup_key, candidate.event.occurred_at
            if at >= until.get(key, float("-inf")):
                until[key] = at + candidate.window_s
                told.append(Happening(key, at))
        return tuple(told)


def compare(full: Sequence[Happening], gated: Sequence[Happening], tolerance_s: float) -> tuple[int, list[float]]:
    """How many happenings of ``full`` have one of the same key within ``tolerance_s`` in ``gated``, and the delays."""
    delays = []
    for one in full:
        near = [other.at - one.at for other in gated if other.key == one.key and abs(other.at - one.at) <= tolerance_s]
        if near:
            delays.append(min(near, key=abs))
    return len(delays), delays
