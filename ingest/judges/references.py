"""Pictures of H.265 that others are made from and that never came. Pure.

A picture's slice header names the pictures that it is made from, by their distance in order of output (its short-term
reference picture set, ITU-T H.265, 7.4.8). None of them may be missing (8.3.2), whatever order they are sent in.
"""

from __future__ import annotations

from ingest.nal import SliceNumber

_REMEMBERED = 4096  # pictures, of a GOP that hardly ends


class ReferenceJudge:
    """Fed every picture in decoding order. Begins anew at each random access point, beyond which nothing refers back.

    What nobody refers to can be lost unnoticed, as can what only lost pictures refer to.
    """

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """A new session: nothing is known until a random access point comes."""
        self._came: set[int] | None = None
        self._first = self._anchor = 0

    def note(self, number: SliceNumber | None) -> int:
        """How many pictures are now known to be lost. ``None``, a header that cannot be read: nothing is until the next
        random access point, since others may be made from this picture.
        """
        if number is None:
            self.begin()
            return 0
        if number.restarts:
            self._came, self._first, self._anchor = {number.value}, number.value, number.value
            return 0
        if self._came is None or number.leading:
            return 0
        order = self._anchor + _signed(number.value - self._anchor, number.modulus)
        needed = {order + distance for distance in number.references or ()}
        if needed and min(needed) < self._first:  # no header of this stream, or its random access point was lost
            self.begin()
            return 0
        missing = needed - self._came
        self._came |= missing | {order}
        if number.anchor:
            self._anchor = order
        if len(self._came) > _REMEMBERED:
            self._came, self._first = needed | {order}, min(needed | {order})
        return len(missing)


def _signed(ahead: int, modulus: int) -> int:
    """Of all steps that are the same modulo ``modulus`` the shortest (8.3.1)."""
    return (ahead + modulus // 2) % modulus - modulus // 2
