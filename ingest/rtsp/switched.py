"""One of several streams is analysed: each has a decoder, and one of them works. Changes over without a gap."""

from __future__ import annotations

import threading
from collections.abc import Callable

from ingest.frame import StreamName
from ingest.ledger import DropCause
from ingest.packet import AccessUnit
from ingest.rtsp.decoding import UnitDecoder


class AnalysedStream:
    """Which stream of a camera is analysed. Thread-safe.

    :attr:`wanted` takes over at its next key frame, as soon as it is ``ready``; until then :attr:`current` goes on.
    ``on_change`` is called by the reader that takes over, before its first picture is decoded.
    """

    def __init__(
        self, first: StreamName, *, ready: Callable[[StreamName], bool], on_change: Callable[[StreamName], None]
    ) -> None:
        self._ready = ready
        self._on_change = on_change
        self._taking = threading.Lock()
        self.current = first
        self.wanted = first

    def takes(self, stream: StreamName, *, keyframe: bool) -> bool:
        """Whether the unit at hand of ``stream`` is to be analysed. Asked by its reader, for each unit in order."""
        if stream != self.current and keyframe and stream == self.wanted and self._ready(stream):
            with self._taking:
                changed, self.current = stream != self.current, stream
            if changed:
                self._on_change(stream)
        return stream == self.current


class SwitchedDecoder:
    """What a session takes for its decoder; hands on what ``takes`` asks for. Units of other streams are not booked.

    Used by one thread, the stream's reader.
    """

    def __init__(self, stream: StreamName, decoder: UnitDecoder, analysed: AnalysedStream) -> None:
        self._stream: StreamName = stream
        self._decoder = decoder
        self._analysed = analysed
        self._on = False

    def decode(self, unit: AccessUnit) -> int | None:
        """See :class:`UnitDecoder`; 1 for a unit that nobody analyses, since nothing speaks against it."""
        return self._decoder.decode(unit) if self._turn(keyframe=unit.keyframe) else 1

    def undecodable(self) -> None:
        """See :class:`UnitDecoder`."""
        if self._turn(keyframe=False):
            self._decoder.undecodable()

    def end_session(self, cause: DropCause) -> None:
        """See :class:`UnitDecoder`."""
        self._decoder.end_session(cause)

    def _turn(self, *, keyframe: bool) -> bool:
        was_on, self._on = self._on, self._analysed.takes(self._stream, keyframe=keyframe)
        if was_on and not self._on:
            self._decoder.end_session(DropCause.SESSION_ENDED)
        return self._on
