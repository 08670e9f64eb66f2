"""A piece of unseen footage through the packet gate, without decoding: full analysis is done once and remembered.

Pictures that are analysed lie on one grid of about five a second, with and without the gate; what was found on them is
known, so a replay takes a second and gate settings can be compared. Only the decoder is a stand-in: units, gate,
catching up, tracker and rules are the product's.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from fractions import Fraction
from hashlib import sha256
from multiprocessing import get_context
from pathlib import Path

import av
import numpy as np
from av.video.stream import VideoStream

from alerts.snapshot import SnapshotWriter
from benchmarks.replay import Happening, Sink
from benchmarks.unseen import LEAD_S, VERSION, Piece
from configs.schema import Camera, Settings
from detect.detection import Detections
from detect.detector import CameraDetectors
from ingest.frame import Frame
from ingest.gating.gate import GateLimits, GateState, PacketGate
from ingest.ledger import DropCause, FrameLedger
from ingest.nal import CodecName, split_length_prefixed
from ingest.packet import SYNTAX, TIMESCALE, AccessUnit, parameter_sets_of_extradata
from ingest.pictures import ArrayPicture
from ingest.rtsp.decoding import FrameDecoder
from ingest.rtsp.gated import GatedDecoder
from xueliang.worker.analysis import CameraAnalysis

LEARNT_S = 30.0
"""From here on the gate is judged."""

_LAG_S = 0.1  # from a picture's arrival to what the detector says of it
_AFTER_S = 3.0  # to shut again after somebody left


@dataclass(frozen=True, slots=True)
class Analysed:
    """A piece as it is remembered: its units in the order of decoding, and what is on each picture of the grid."""

    piece: Piece
    units: tuple[AccessUnit, ...]
    found: dict[int, Detections]
    labels: tuple[str, ...]
    model_id: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one run. Shares and counts are of the time after ``LEARNT_S``; ``calm_s``: seconds of it in which
    nobody was there. ``false_openings``: the gate's, in calm.
    """

    happenings: tuple[Happening, ...]
    open_share: float
    decoded_share: float
    false_openings: int
    calm_s: float
    looks: int
    judged_s: float


def analyse(piece: Piece, cache: Path, detectors: CameraDetectors) -> Analysed:
    """The encoded piece, analysed now or read from the cache."""
    detector = detectors.for_camera("unseen")
    footage = _footage(piece, cache)
    units = tuple(_read(footage, piece.encoding.fps))
    known = footage.with_suffix(f".{detector.model_id}.npz")
    if known.exists():
        found = _load(known)
    else:
        found = _detect(piece, units, detectors)
        _save(known, found)
    return Analysed(piece, units, found, detector.labels, detector.model_id)


def encode_missing(pieces: Sequence[Piece], video: Path, cache: Path) -> None:
    """Encodes what is not in the cache, a process a core. Raises ``SourceError`` where clips are missing."""
    cache.mkdir(parents=True, exist_ok=True)
    missing = [piece for piece in pieces if not _footage(piece, cache).exists()]
    with ProcessPoolExecutor(max_workers=os.cpu_count(), mp_context=get_context("spawn")) as pool:
        for encoded in [pool.submit(_encode, piece, video, _footage(piece, cache)) for piece in missing]:
            encoded.result()


def _footage(piece: Piece, cache: Path) -> Path:
    return cache / f"unseen-{sha256(f'{VERSION}{piece}'.encode()).hexdigest()[:16]}.mp4"


def _encode(piece: Piece, video: Path, file: Path) -> None:
    how = piece.encoding
    gop, lead = how.fps * how.gop_s, LEAD_S * how.fps
    shared = {"preset": "superfast", "threads": "1"}
    options = {"g": str(gop), "keyint_min": str(gop), "sc_threshold": "0", "bf": str(how.b_frames), "profile": "main"}
    x265 = f"log-level=error:pools=none:frame-threads=1:scenecut=0:open-gop=0:keyint={gop}:min-keyint={gop}"
    x265 += f":bframes={how.b_frames}"
    if how.bit_rate is None:
        options |= {"crf": str(how.crf)}
        x265 += f":crf={how.crf}"
    else:
        options |= {"maxrate": str(how.bit_rate), "bufsize": str(how.bit_rate)}
        x265 += f":vbv-maxrate={how.bit_rate // 1000}:vbv-bufsize={how.bit_rate // 1000}"
    h264 = how.codec == "h264"
    part = file.with_suffix(f".{os.getpid()}.part")
    with av.open(str(part), "w", format="mp4") as container:
        stream = container.add_stream(
            "libx264" if h264 else "libx265",
            rate=how.fps,
            options=shared | options if h264 else {"preset": "ultrafast", "x265-params": x265},
        )
        stream.width, stream.height, stream.pix_fmt = how.width, how.height, "yuv420p"
        if how.bit_rate is not None:
            stream.bit_rate = how.bit_rate
        kept = False
        for packet in _packets(stream, piece.pictures(video)):
            assert packet.pts is not None
            assert packet.dts is not None
            kept = kept or (packet.is_keyframe and packet.pts >= lead)
            if kept:
                packet.pts, packet.dts = packet.pts - lead, packet.dts - lead
                container.mux(packet)
    part.replace(file)


def _packets(stream: VideoStream, pictures: Iterator[av.VideoFrame]) -> Iterator[av.Packet[VideoStream]]:
    for index, picture in enumerate(pictures):
        picture.pts, picture.time_base = index, 1 / Fraction(stream.codec_context.framerate)
        yield from stream.encode(picture)
    yield from stream.encode(None)


def _read(file: Path, fps: int) -> Iterator[AccessUnit]:
    with av.open(str(file)) as container:
        stream = container.streams.video[0]
        codec: CodecName = "h264" if stream.codec_context.name == "h264" else "hevc"
        parameters = parameter_sets_of_extradata(codec, stream.codec_context.extradata)
        if parameters is None or stream.time_base is None:
            raise ValueError(f"{file.name}: no parameter sets")
        first: int | None = None
        for packet in container.demux(stream):
            if not packet.size or packet.pts is None or packet.dts is None:
                continue
            first = packet.pts if first is None else first
            index, order = (round((at - first) * stream.time_base * fps) for at in (packet.pts, packet.dts))
            at = index / fps
            yield AccessUnit(
                units=SYNTAX[codec].picture_units(split_length_prefixed(bytes(packet))),
                dts=round(order * TIMESCALE / fps),
                pts=round(index * TIMESCALE / fps),
                keyframe=packet.is_keyframe,
                captured_at=at,
                clock="rtcp",
                arrived_at=at,
                parameters=parameters,
            )


def _detect(piece: Piece, units: tuple[AccessUnit, ...], detectors: CameraDetectors) -> dict[int, Detections]:
    """What is found on each picture of the grid, by its place in the order of showing."""
    detector = detectors.for_camera("unseen")
    found: dict[int, Detections] = {}
    every, fps = piece.encoding.analysed_every, piece.encoding.fps

    class Analyser:
        def put(self, frame: Frame) -> None:
            index = round(frame.pts_s * fps)
            if index % every == 0:
                found[index] = detector.detect(frame.picture)

    decoder = FrameDecoder("unseen", "main", fps=fps, ledger=FrameLedger(["unseen"]), target=Analyser())
    for unit in units:
        decoder.decode(unit)
    return found


def _save(file: Path, found: dict[int, Detections]) -> None:
    part = file.with_suffix(f".{os.getpid()}.npz")
    np.savez_compressed(
        part,
        index=np.array(list(found)),
        count=np.array([len(each) for each in found.values()]),
        size=np.array([(each.width, each.height) for each in found.values()]),
        boxes=np.concatenate([each.boxes for each in found.values()]),
        scores=np.concatenate([each.scores for each in found.values()]),
        classes=np.concatenate([each.classes for each in found.values()]),
    )
    part.replace(file)


def _load(file: Path) -> dict[int, Detections]:
    with np.load(file) as data:
        ends = data["count"].cumsum()
        boxes, scores, classes = data["boxes"], data["scores"], data["classes"]
        return {
            int(index): Detections(
                boxes[end - count : end], scores[end - count : end], classes[end - count : end], int(width), int(height)
            )
            for index, count, end, (width, height) in zip(data["index"], data["count"], ends, data["size"], strict=True)
        }


@dataclass(slots=True)
class _Remembered:
    """Stands in for the decoder: what is decoded, and lies on the grid, is analysed by what is remembered."""

    analysed: Analysed
    analysis: CameraAnalysis
    decoded: dict[int, bool] = field(default_factory=dict)
    """By its place in the order of showing: whether a picture was decoded for itself, or only to catch up."""

    def decode(self, unit: AccessUnit) -> int:
        self._show(unit)
        return 1

    def decode_alone(self, unit: AccessUnit, cause: DropCause) -> int:
        del cause
        self._show(unit)
        return 1

    def replay(self, unit: AccessUnit) -> None:
        self.decoded.setdefault(self._index(unit), False)

    def undecodable(self) -> None:
        raise AssertionError("whole footage")

    def end_session(self, cause: DropCause) -> None:
        """Nothing is held."""

    def _index(self, unit: AccessUnit) -> int:
        return round(unit.pts * self.analysed.piece.encoding.fps / TIMESCALE)

    def _show(self, unit: AccessUnit) -> None:
        index = self._index(unit)
        self.decoded[index] = True
        found = self.analysed.found.get(index)
        if found is None:
            return
        picture = ArrayPicture(np.zeros((found.height, found.width, 3), np.uint8))
        at = unit.captured_at
        self.analysis.on_detections(Frame("unseen", "main", index, at, at, "rtcp", picture), found)


def run_piece(
    analysed: Analysed, camera: Camera, settings: Settings, workdir: Path, gate: PacketGate | None
) -> Outcome:
    """The piece as ``camera`` behind ``gate``; ``None``: everything is analysed."""
    piece = analysed.piece
    pending: deque[tuple[float, bool]] = deque()
    sink = Sink()
    analysis = CameraAnalysis(
        camera,
        settings,
        labels=analysed.labels,
        model_id=analysed.model_id,
        snapshots=SnapshotWriter(workdir),
        sink=sink,
        publish_overlay=lambda _at, _render: None,
        analysed=lambda _, pts_s, matters: pending.append((pts_s, matters)),
    )
    decoder = _Remembered(analysed, analysis)
    gated = GatedDecoder("unseen", decoder, gate, FrameLedger(["unseen"]))
    false_openings = open_units = judged = 0
    was_open = True
    looks = 0
    for unit in analysed.units:
        at = unit.captured_at
        while gate is not None and pending and pending[0][0] <= at - _LAG_S:
            pts_s, matters = pending.popleft()
            gate.found(pts_s, matters=matters)
        gated.decode(unit)
        if at < LEARNT_S:
            looks = gate.counts().looks if gate is not None else 0
            continue
        is_open = gate is None or gate.state is not GateState.SHUT
        judged += 1
        open_units += is_open
        if is_open and not was_open and not piece.active_at(at, before=0.3, after=_AFTER_S):
            false_openings += 1
        was_open = is_open
    return Outcome(
        happenings=sink.happenings(),
        open_share=open_units / judged,
        decoded_share=sum(index >= LEARNT_S * piece.encoding.fps for index in decoder.decoded) / judged,
        false_openings=false_openings,
        calm_s=piece.seconds - LEARNT_S - len(piece.starts) * piece.active_s,
        looks=gate.counts().looks - looks if gate is not None else 0,
        judged_s=piece.seconds - LEARNT_S,
    )


def packet_gate(camera: Camera) -> PacketGate:
    """As the product makes it."""
    return PacketGate(GateLimits(floor_s=camera.detection.look_every_s))
