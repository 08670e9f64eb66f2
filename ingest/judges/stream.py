"""All judges of one stream behind one door. Thread-safe: its reader tells, its watch asks."""

from __future__ import annotations

import threading
import time
import zlib
from collections.abc import Callable, Mapping

import av

from ingest.judges.changes import JumpJudge, SizeJudge
from ingest.judges.eyes import Eyes
from ingest.judges.hush import HushJudge
from ingest.judges.light import DarkJudge, shows_nothing
from ingest.judges.loss import DamageJudge, LossJudge
from ingest.judges.pace import PaceJudge
from ingest.judges.quality import FlapJudge, GarbleJudge
from ingest.judges.repeats import RepeatJudge, says_nothing_new
from ingest.judges.still import StillJudge
from ingest.judges.thumbnail import thumbnail
from ingest.judges.view import ViewJudge
from ingest.nal import MalformedVideo, SliceNumber
from ingest.packet import AccessUnit, ParameterSets, SliceReader, slice_reader
from ingest.state import Fault

LOOK_S = 1.0
"""Seconds between two decoded pictures that are looked at."""
ASIDE_S = 1.7
"""Seconds without a decoded picture after which a key frame is decoded to be looked at."""
RESTING_S = 15.0
"""The same for a large picture that was looked at ``SETTLED`` times and sends as much as ever: one look costs 15 ms,
and whatever covers or turns a camera makes packets that open its gate."""
SETTLED = 12
LARGE_PIXELS = 640 * 480


class StreamJudge:
    """What is wrong with a stream. It outlives sessions: what a camera used to show is known after a reconnection.

    ``monotonic`` gives seconds; every method takes its time from it. ``eyes``: whether pictures are looked at even
    while nobody else decodes them: a key frame every other second. All but :meth:`findings` is for the reader's thread.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic, *, eyes: bool = False) -> None:
        self._monotonic = monotonic
        self._eyes = Eyes() if eyes else None
        self._lock = threading.Lock()
        self._garble = GarbleJudge()
        self._flap = FlapJudge()
        self._loss = LossJudge()
        self._damage = DamageJudge()
        self._pace = PaceJudge()
        self._jump = JumpJudge()
        self._size = SizeJudge()
        self._still = StillJudge()
        self._repeats = RepeatJudge()
        self._dark = DarkJudge()
        self._view = ViewJudge()
        self._hush = HushJudge()
        self._opened_at: float | None = None
        self._looked_at = -LOOK_S
        self._parameters: ParameterSets | None = None
        self._slices: SliceReader | None = None
        self._declared: float | None = None
        self._dimensions = (0, 0)
        self._slices_now = self._usual_slices = 1
        self._keyframe_now = False
        self._looks = 0  # in this session
        self._blank = False  # the picture looked at last: of the dark, all pictures are alike
        self._blind = 0  # key frames in a row that could not be looked at

    @property
    def lost(self) -> int:
        """Pictures known to be lost on the way since the start."""
        with self._lock:
            return self._loss.lost

    def opened(self) -> None:
        """A session was opened."""
        with self._lock:
            now = self._opened_at = self._monotonic()
            self._garble.reset()
            self._loss.begin()
            self._damage.begin()
            self._pace.begin()
            self._still.begin(now)
            self._repeats.begin()
            self._dark.begin()
            self._blind = self._looks = 0
            self._looked_at = now

    def ended(self, *, counts: bool) -> bool:
        """The session ended; ``counts``: by its peer, who may be flapping. Whether it is flapping now."""
        with self._lock:
            now, opened_at = self._monotonic(), self._opened_at
            self._opened_at = None
            if self._eyes is not None:
                self._eyes.close()
            if opened_at is not None and counts:
                self._flap.ended(now, now - opened_at)
            return opened_at is not None and counts and self._flap.flapping(now, None)

    def unit(self, unit: AccessUnit) -> None:
        """An access unit came."""
        with self._lock:
            now = self._monotonic()
            self._slices_now = max(1, sum(map(unit.parameters.syntax.is_slice, unit.units)))
            if unit.keyframe:
                self._note_keyframe(now, unit)
            else:
                self._hush.note(unit.size)
                new = not says_nothing_new(unit.size, self._slices_now, *self._dimensions)
                self._repeats.note(now, new=new, confirmed=self._still.stuck(now))
            lost = self._loss.lost
            self._loss.note(now, unit.parameters.codec_name, self._number(unit), half=unit.half)
            if self._loss.lost > lost:
                self._damage.broken(now)
            self._keyframe_now = unit.keyframe
            self._pace.note(now, self._declared)
        if self._eyes is not None and unit.keyframe and now - self._looked_at >= self._aside_s():
            picture = self._eyes.look(unit)
            self._blind = 0 if picture is not None else self._blind + 1
            if picture is not None:
                self.see(picture)

    def _aside_s(self) -> float:
        width, height = self._dimensions
        resting = self._looks >= SETTLED and width * height > LARGE_PIXELS and not self._hush.hushed
        return RESTING_S if resting else ASIDE_S

    def decoded(self, *, good: bool) -> None:
        """A picture was decoded (or is taken to be good where nobody decodes), or could not be."""
        with self._lock:
            if good:
                self._usual_slices = self._slices_now
                self._damage.shown(self._monotonic(), keyframe=self._keyframe_now)
            else:
                self._damage.broken(self._monotonic())
            # H.265's pictures begin at a bit that may be broken: then many pass for one.
            for _ in range(1 if good else max(1, min(25, self._slices_now // self._usual_slices))):
                self._garble.note(self._monotonic(), good)

    def see(self, picture: av.VideoFrame) -> None:
        """A decoder gave a picture. At most one a second is looked at; the others cost nothing."""
        now = self._monotonic()
        with self._lock:
            self._blind = 0
            if now - self._looked_at < LOOK_S:
                return
            self._looked_at = now
            self._looks += 1
        small = thumbnail(picture)
        with self._lock:
            self._still.look(now, small)
            self._dark.look(now, small)
            self._blank = shows_nothing(small)
            if not self._blank:
                self._view.look(now, small)

    def jumped(self) -> None:
        """The stream's time stamps, or the camera's clock, jumped."""
        with self._lock:
            self._jump.note(self._monotonic())

    def findings(self) -> Mapping[Fault, str]:
        """What is wrong now, each with a sentence."""
        with self._lock:
            now = self._monotonic()
            open_for = None if self._opened_at is None else now - self._opened_at
            same = self._still.stuck(now) or (self._repeats.repeating and not self._blank)
            garbled = self._garble.garbled or self._blind > 1
            lossy = self._loss.lossy(now) or (self._damage.damaged(now) and not garbled)
            found = {
                Fault.LOSSY: (lossy, "pictures are lost on the way"),
                Fault.GARBLED: (garbled, "many pictures cannot be decoded"),
                Fault.FLAPPING: (self._flap.flapping(now, open_for), "sessions end shortly after they begin"),
                Fault.DARK: (self._dark.dark, "picture is black, or the lens is covered"),
                Fault.STUCK: (open_for is not None and same, "pictures come, and all are the same"),
                Fault.MOVED: (self._view.moved, "camera looks elsewhere than it used to"),
                Fault.SLOW: (self._pace.slow, "far fewer pictures a second than expected"),
                Fault.JUMPING: (self._jump.jumping(now), "time stamps or the camera's clock jump"),
                Fault.RESIZED: (self._size.change is not None, self._size.change or ""),
            }
        return {fault: detail for fault, (is_so, detail) in found.items() if is_so}

    def _note_keyframe(self, now: float, unit: AccessUnit) -> None:
        if unit.parameters != self._parameters:
            self._parameters = unit.parameters
            try:
                sequence = unit.parameters.sequence()
                self._slices = slice_reader(unit.parameters)
            except MalformedVideo:  # told by whoever wants to show or decode it
                self._slices = None
                return
            self._loss.begin()
            self._declared = sequence.fps
            self._dimensions = (sequence.width, sequence.height)
        if self._slices is not None:
            self._size.note(now, self._dimensions)
        # Without the slice header, in which encoders count the key frames.
        self._still.keyframe(now, zlib.crc32(unit.first_slice[16:]))

    def _number(self, unit: AccessUnit) -> SliceNumber | None:
        if self._slices is None:
            return None
        try:
            return self._slices.number(unit.first_slice)
        except MalformedVideo:
            return None
