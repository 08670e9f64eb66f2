"""Repeats: pictures that say nothing but "as before", from a camera that never used to say that. Pure; seconds.

A picture in which every block is left as it was costs some bytes for its header and 0.03 bits a macroblock (ITU-T
H.264, 9.3.4.5: the cheapest symbol of CABAC). A live sensor's noise makes encoders write more, as a rule, in one place
at least; on clips of real streets such pictures came twice in a row at most. But noise reduction and low bit rates may
hide a still scene's noise altogether, so each camera is judged by its own past.
"""

from __future__ import annotations

SLICE_BYTES = 16
"""A header and what an entropy coder needs to end."""
MACROBLOCKS_A_BYTE = 32
_MACROBLOCK = 16


def says_nothing_new(size: int, slices: int, width: int, height: int) -> bool:
    """Whether a picture between key frames, ``size`` bytes in so many slices, is too small to change anything."""
    blocks = -(-width // _MACROBLOCK) * -(-height // _MACROBLOCK)
    return size <= SLICE_BYTES * slices + blocks // MACROBLOCKS_A_BYTE


class RepeatJudge:
    """Repeating: for ``after_s``, and ``least`` pictures, nothing new, from a camera watched for ``learn_s`` before.

    It ends when pictures bring something new for ``alive_s``. A camera that ever repeated its picture for more than
    ``habit`` pictures, and went on by itself, is left to slower judges from then on; ``confirmed`` by those, it was a
    fault and no habit. Key frames, which are never small, count for nothing.
    """

    def __init__(
        self,
        after_s: float = 1.1,
        least: int = 6,
        alive_s: float = 0.4,
        learn_s: float = 30.0,
        learn_pictures: int = 200,
        habit: int = 3,
    ) -> None:
        self._after_s = after_s
        self._least = least
        self._alive_s = alive_s
        self._learn_s = learn_s
        self._learn_pictures = learn_pictures
        self._most = habit
        self._learnt_s = 0.0
        self._learnt = 0
        self._habit = False
        self._confirmed = False
        self._last: float | None = None
        self._run = 0
        self._run_since = 0.0
        self._new_since: float | None = None
        self.repeating = False
        """Whether it is so now."""

    def begin(self) -> None:
        """A new session: the run of the last one is over, what is known of the camera stays."""
        self._last = self._new_since = None
        self._run = 0
        self.repeating = self._confirmed = False

    def note(self, now: float, *, new: bool, confirmed: bool) -> None:
        """A picture between key frames; ``confirmed``: others find that the pictures stand still."""
        self._confirmed = (self._confirmed and self._run > 0) or confirmed
        if new:
            self._note_new(now)
        else:
            self._note_repeat(now)
        self._last = now

    def _note_repeat(self, now: float) -> None:
        self._new_since = None
        if not self._run:
            self._run_since = now
        self._run += 1
        known = self._learnt_s >= self._learn_s and self._learnt >= self._learn_pictures and not self._habit
        if known and self._run >= self._least and now - self._run_since >= self._after_s:
            self.repeating = True

    def _note_new(self, now: float) -> None:
        if self._run and self._new_since is None:
            self._new_since = now
        if self._new_since is not None and now - self._new_since < self._alive_s and self.repeating:
            return
        self._habit = self._habit or (self._run > self._most and not self._confirmed)
        if not self._run and self._last is not None and now > self._last:
            self._learnt_s += min(1.0, now - self._last)
            self._learnt += 1
        self._run = 0
        self._new_since = None
        self.repeating = self._confirmed = False
