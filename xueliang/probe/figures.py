"""What a stream's packets say about it, added up one by one. Pure; seconds throughout."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figures:
    """``fps``, ``bit_rate`` (bit/s) are over media time; ``None``: not enough came to tell.

    ``gop_s``: the longest time between two key frames. Where only one came, ``gop_at_least_s`` has passed since.
    """

    packets: int
    fps: float | None
    bit_rate: float | None
    gop_s: float | None
    gop_at_least_s: float | None


class Tally:
    """Takes packets in the order in which they come.

    The time from packet to packet is that of the media, and where that is not told or jumps (backwards, or by
    ``jump_s``) that of the arrivals. FFmpeg tells no time for the first packets of a session, more of them where there
    are B-frames, and they come in a burst: what passed during them is not counted.
    """

    def __init__(self, jump_s: float = 5.0) -> None:
        self._jump_s = jump_s
        self._media: float | None = None
        self._arrived: float | None = None
        self._at = 0.0
        self._since_key: float | None = None
        self._last_key = 0
        self._longest_gop: float | None = None
        self._timed = False
        self._untimed = 0
        self._untimed_bytes = 0
        self._last_bytes = 0
        self._bytes = 0
        self.packets = 0

    @property
    def gop_known(self) -> bool:
        """Whether two key frames have come."""
        return self._longest_gop is not None

    def note(self, media_s: float | None, arrived_s: float, size: int, *, keyframe: bool) -> None:
        """One packet of ``size`` bytes; ``media_s`` its decoding time, ``arrived_s`` on any clock that runs evenly."""
        if media_s is not None and not self._timed:
            self._timed = True
            self._untimed, self._untimed_bytes = self.packets, self._bytes
            self._at, self._longest_gop = 0.0, None
            self._since_key = None if self._since_key is None else 0.0
        elif self._arrived is not None:
            self._at += self._step(media_s, arrived_s - self._arrived)
        self._media, self._arrived = media_s, arrived_s
        if keyframe:
            if self._since_key is not None:
                self._longest_gop = max(self._longest_gop or 0.0, self._at - self._since_key)
            self._since_key, self._last_key = self._at, self.packets
        self.packets += 1
        self._bytes += size
        self._last_bytes = size

    def _step(self, media_s: float | None, passed_s: float) -> float:
        if media_s is None or self._media is None or not 0 <= media_s - self._media < self._jump_s:
            return passed_s
        step = media_s - self._media
        if self.packets == self._untimed + 1 and self._since_key is not None and self._last_key < self._untimed:
            # The untimed steps since the key frame were as long as this one, as near as anybody knows.
            self._since_key = -step * (self._untimed - self._last_key)
        return step

    def figures(self) -> Figures:
        """What is known by now."""
        steps = self.packets - 1 - self._untimed
        told = steps > 0 and self._at > 0
        since = None if self._since_key is None or self.gop_known else self._at - self._since_key
        # The last packet's own time has not passed yet, so its bytes do not count; nor do those of an untimed first.
        timed_bytes = self._bytes - self._untimed_bytes - self._last_bytes
        return Figures(
            packets=self.packets,
            fps=steps / self._at if told else None,
            bit_rate=timed_bytes * 8 / self._at if told else None,
            gop_s=self._longest_gop,
            gop_at_least_s=since,
        )
