"""Lossy: pictures get lost on the way. Told by the numbers that encoders write into slice headers. Pure; seconds.

The demuxer does not hand out RTP's sequence numbers, but whoever loses the packet in which a picture begins loses the
picture, and its number is missing: ``frame_num`` in H.264 (7.4.3, gaps in it are not allowed), the picture order count
in H.265. Where that goes back, pictures are put in order, and what others are made from must have come.
"""

from __future__ import annotations

from collections import deque

from ingest.judges.references import ReferenceJudge
from ingest.nal import CodecName, SliceNumber


class LossJudge:
    """Lossy: at least ``gaps`` gaps in ``window_s``, with ``share`` of the pictures gone; ``calm_s`` without ends it.

    A gap counts only when the next picture goes on from it: broken slice headers hold random numbers.
    """

    def __init__(self, window_s: float = 10.0, gaps: int = 3, share: float = 0.01, calm_s: float = 5.0) -> None:
        self._window_s = window_s
        self._gaps = gaps
        self._share = share
        self._calm_s = calm_s
        self._came: deque[float] = deque()
        self._lost: deque[tuple[float, int]] = deque()
        self._lossy = False
        self._references = ReferenceJudge()
        self.lost = 0
        """Pictures known to be lost since the start."""
        self.begin()

    def begin(self) -> None:
        """A new session, or new parameter sets: numbers begin anew."""
        self._previous: int | None = None
        self._suspected = 0
        self._steps: deque[int] = deque(maxlen=25)
        self._reordered = False
        self._references.begin()

    def note(self, now: float, codec: CodecName, number: SliceNumber | None, *, half: bool = False) -> None:
        """A frame came in decoding order; ``None``: its number could not be read. ``half``: one field of it is lost."""
        self._came.append(now)
        unmet = self._references.note(number) if codec == "hevc" else 0
        if number is None:
            self._suspected = 0
            return
        if number.restarts or self._previous is None:
            self._previous, self._suspected = number.value, int(half)
            return
        missing = self._missing_h264(number) if codec == "h264" else self._missing_h265(number, unmet)
        if missing or half:
            self._suspected = missing + half
        elif self._suspected:
            self._lost.append((now, self._suspected))
            self.lost += self._suspected
            self._suspected = 0

    def lossy(self, now: float) -> bool:
        """Whether pictures are being lost."""
        while self._came and now - self._came[0] > self._window_s:
            self._came.popleft()
        while self._lost and now - self._lost[0][0] > self._window_s:
            self._lost.popleft()
        if self._lossy:
            self._lossy = bool(self._lost) and now - self._lost[-1][0] < self._calm_s
        else:
            lost = sum(pictures for _, pictures in self._lost)
            self._lossy = len(self._lost) >= self._gaps and lost >= self._share * (lost + len(self._came))
        return self._lossy

    def _missing_h264(self, number: SliceNumber) -> int:
        assert self._previous is not None
        ahead = (number.value - self._previous) % number.modulus
        if number.reference:
            self._previous = number.value
        # The same number again: a picture after one that nobody refers to.
        return max(0, ahead - 1)

    def _missing_h265(self, number: SliceNumber, unmet: int) -> int:
        assert self._previous is not None
        ahead = (number.value - self._previous) % number.modulus
        self._previous = number.value
        if ahead > number.modulus // 2 and not self._reordered:
            self._reordered = True
            self._suspected = 0  # what seemed to be missing may be shown earlier and sent later
        if self._reordered:
            return unmet
        if ahead == 0:
            return 0
        self._steps.append(ahead)
        return ahead // min(self._steps) - 1


class DamageJudge:
    """Damaged: pictures are shown that build on one that was lost or broken, so that parts of them are old.

    It ends with a key frame that comes whole, after ``told_s`` at least, so that it can be read, and after ``most_s``
    at most, since some cameras refresh their pictures bit by bit and send no key frames.
    """

    def __init__(self, told_s: float = 2.0, most_s: float = 10.0, doubt_s: float = 0.5) -> None:
        self._told_s = told_s
        self._most_s = most_s
        self._doubt_s = doubt_s
        self._hurt_at: float | None = None
        self._broken_at: float | None = None
        self._whole = False

    def begin(self) -> None:
        """A new session: it begins with a key frame."""
        self._broken_at = None
        self._whole = True

    def broken(self, now: float) -> None:
        """A picture is missing, or could not be decoded: whatever is shown next builds on it."""
        if self._broken_at is None:
            self._broken_at = now

    def shown(self, now: float, *, keyframe: bool) -> None:
        """A picture came that can be decoded."""
        if self._broken_at is not None:
            self._broken_at, self._hurt_at = None, now
            self._whole = keyframe
        elif keyframe:
            self._whole = True

    def damaged(self, now: float) -> bool:
        """Whether it is so now: also where none can be decoded for ``doubt_s``, since browsers show what they can."""
        if self._broken_at is not None and now - self._broken_at >= self._doubt_s:
            return True
        if self._hurt_at is None:
            return False
        return now - self._hurt_at < (self._told_s if self._whole else self._most_s)
