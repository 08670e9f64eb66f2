"""What of one camera is decoded for detection: which stream, behind which gate, and how much the machine carries."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import av
import structlog

from configs.schema import Camera
from ingest.frame import StreamName
from ingest.gating.gate import GateLimits, GateState, PacketGate
from ingest.gating.level import Level, LevelGate
from ingest.ledger import FrameLedger
from ingest.rtsp.decoders import Decoders
from ingest.rtsp.decoding import FrameDecoder, FrameTarget, UnitDecoder
from ingest.rtsp.gated import GatedDecoder
from ingest.rtsp.switched import AnalysedStream, SwitchedDecoder
from ingest.stream_choice import PixelNeed, Size, smallest_object
from models.manifest import ModelInput

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Branch:
    """One stream's decoding. Streams have timelines of their own, so what takes its time from one is not shared."""

    gate: PacketGate | None
    level: LevelGate
    decoder: GatedDecoder | None = None


class AnalysedStreams:
    """The decoding of one camera, on the stream that its settings name or that is chosen by its pictures' size.

    ``model_input``: where there is none, size says nothing, and the choice is sub. ``ready``: whether a stream could
    take over now. ``on_change`` hears who has, from its reader's thread.
    """

    def __init__(
        self,
        camera: Camera,
        *,
        ledger: FrameLedger,
        frames: FrameTarget,
        gated: bool,
        model_input: ModelInput | None,
        ready: Callable[[StreamName], bool],
        on_change: Callable[[StreamName], None],
        decoders: Decoders,
    ) -> None:
        wanted = camera.detection
        self._camera = camera
        self._ledger = ledger
        self._frames = frames
        self._on_change = on_change
        self._decoders = decoders
        self._need: PixelNeed | None = None
        first: StreamName = "main" if camera.sub is None or (wanted.enabled and wanted.stream == "main") else "sub"
        names: tuple[StreamName, ...] = (first,) if wanted.enabled else ()
        if wanted.enabled and camera.sub is not None and wanted.stream == "auto" and model_input is not None:
            names = ("sub", "main")
            self._need = PixelNeed(model_input, smallest_object(camera))
        self._branches = {
            name: _Branch(
                PacketGate(GateLimits(floor_s=wanted.look_every_s)) if gated and wanted.gated else None,
                LevelGate(wanted.fps, wanted.min_fps, wanted.look_every_s),
            )
            for name in names
        }
        self._analysed = AnalysedStream(first, ready=ready, on_change=self._changed)
        self._main_wanted = False
        self._level = Level.FULL
        self._sizes: tuple[Size, Size | None] | None = None

    @property
    def current(self) -> StreamName:
        """The stream that is analysed now; sub (or the only one) where detection is off."""
        return self._analysed.current

    @property
    def candidates(self) -> frozenset[StreamName]:
        """All streams that may be analysed, or are the camera's for want of one."""
        return frozenset(self._branches) | {self.current}

    @property
    def needed(self) -> frozenset[StreamName]:
        """The streams that must be open: who is analysed, who is to take over, whose size must be known."""
        main: frozenset[StreamName] = frozenset({"main"}) if self._main_wanted else frozenset()
        return main | {self.current, self._analysed.wanted}

    def decoder(self, name: StreamName, see: Callable[[av.VideoFrame], None]) -> UnitDecoder | None:
        """For a new session of the stream; ``None`` where it is never analysed. ``see`` is shown its pictures."""
        branch = self._branches.get(name)
        if branch is None:
            return None
        frames = FrameDecoder(
            self._camera.id,
            name,
            fps=self._camera.detection.fps,
            ledger=self._ledger,
            target=self._frames,
            see=see,
            thins=branch.level.thins,
            decoders=self._decoders,
        )
        branch.decoder = GatedDecoder(self._camera.id, frames, branch.gate, self._ledger, branch.level)
        if self._need is None:
            return branch.decoder
        return SwitchedDecoder(name, branch.decoder, self._analysed)

    def consider(self, sub: Size | None, main: Size | None) -> None:
        """Chooses anew where the pictures have other sizes than before; ``None``: not known yet."""
        if self._need is None or sub is None or self._sizes == (sub, main):
            return
        self._sizes = (sub, main)
        self._main_wanted = main is None and not self._need.met_by(sub)
        if self._main_wanted:  # whoever is analysed goes on until main has shown its size
            log.info("ingest.sub_stream_is_small", camera_id=self._camera.id, **self._figures())
            return
        chosen: StreamName = "sub" if main is None else self._need.choose(sub, main)
        if chosen != self._analysed.wanted:
            self._analysed.wanted = chosen
            log.info("ingest.stream_chosen", camera_id=self._camera.id, stream=chosen, **self._figures())

    def found(self, stream: StreamName, pts_s: float, *, matters: bool) -> None:
        """The frame of ``stream`` at ``pts_s`` went through; whether it showed something that matters."""
        branch = self._branches.get(stream)
        if branch is not None and branch.gate is not None:
            branch.gate.found(pts_s, matters=matters)

    def watch(self, watched: bool) -> None:
        """Whether somebody looks at the camera's live picture: see :meth:`PacketGate.watch`."""
        for branch in self._branches.values():
            if branch.gate is not None:
                branch.gate.watch(watched)

    @property
    def gate(self) -> GateState:
        """Whether the analysed stream is decoded now."""
        branch = self._branches.get(self.current)
        return GateState.OFF if branch is None or branch.gate is None else branch.gate.state

    @property
    def level(self) -> Level:
        """How much of it this machine carries."""
        return self._level

    @level.setter
    def level(self, level: Level) -> None:
        self._level = level
        for branch in self._branches.values():
            branch.level.level = level

    @property
    def pixels(self) -> int:
        """Of one picture of the analysed stream; 0 until they are known."""
        decoder = self._decoder
        return decoder.pixels if decoder is not None else 0

    @property
    def gop_s(self) -> float | None:
        """From key frame to key frame of the analysed stream; ``None`` until it is known."""
        decoder = self._decoder
        return decoder.gop_s if decoder is not None else None

    @property
    def _decoder(self) -> GatedDecoder | None:
        branch = self._branches.get(self.current)
        return branch.decoder if branch is not None else None

    def _changed(self, stream: StreamName) -> None:
        gate = self._branches[stream].gate
        if gate is not None:
            gate.relearn()
        log.info("ingest.stream_changed", camera_id=self._camera.id, stream=stream)
        self._on_change(stream)

    def _figures(self) -> dict[str, str | float]:
        """For the log: sizes, and the height of the smallest object in the model's input that each brings."""
        assert self._need is not None
        assert self._sizes is not None
        told: dict[str, str | float] = {"smallest": self._need.smallest}
        for name, size in zip(("sub", "main"), self._sizes, strict=True):
            if size is not None:
                told |= {name: str(size), f"{name}_px": round(self._need.height_px(size), 1)}
        return told
