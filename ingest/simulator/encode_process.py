"""Preparation in a process of its own: drawing holds Python's lock, so threads would not draw in parallel.

The parent sends source, profiles and folder, pickled, on standard input; what comes back is in the cache folder. The
child ends by itself when its parent is gone.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import cv2

from ingest.simulator.encode import PreparationCancelledError, Profiles, prepare
from ingest.simulator.source import Source, SourceError

_REFUSED: Final = 3
_POLL_S: Final = 0.1
_NICENESS: Final = 5  # cameras that serve already come first


def prepare_in_process(source: Source, profiles: Profiles, cache_dir: Path, cancelled: Callable[[], bool]) -> None:
    """Fill the cache for ``source``, which must be picklable. Blocks.

    Raises :class:`SourceError`, or :class:`PreparationCancelledError` within about 0.1 s of the wish.
    """
    order = pickle.dumps((source, profiles, cache_dir, os.getpid()))
    process = subprocess.Popen(
        [sys.executable, "-m", __spec__.name],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        start_new_session=True,  # Ctrl-C goes to the parent, which ends this in order
    )
    try:
        complaint = _wait(process, order, cancelled, source.title)
    finally:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stderr):
            if stream is not None:
                stream.close()
        for part in cache_dir.glob(f"*.{process.pid}-*.part"):
            part.unlink(missing_ok=True)
    if process.returncode == _REFUSED:
        raise SourceError(complaint.strip())
    if process.returncode:
        last = complaint.strip().rpartition("\n")[2]
        raise SourceError(f"{source.title}: preparation ended with status {process.returncode}: {last}")


def _wait(process: subprocess.Popen[bytes], order: bytes, cancelled: Callable[[], bool], title: str) -> str:
    unsent: bytes | None = order
    while True:
        if cancelled():
            raise PreparationCancelledError(title)
        try:
            _, complaint = process.communicate(unsent, timeout=_POLL_S)
        except subprocess.TimeoutExpired:
            unsent = None  # the rest of it is sent by the next call, which takes none
            continue
        return complaint.decode(errors="replace")


def main() -> int:
    """The child."""
    os.nice(_NICENESS)
    cv2.setNumThreads(1)  # as many of us run as there are cores
    source, profiles, cache_dir, parent = pickle.load(sys.stdin.buffer)  # noqa: S301 - written by our own parent
    try:
        prepare(source, profiles, cache_dir, lambda: os.getppid() != parent)
    except (SourceError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return _REFUSED
    except PreparationCancelledError:
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
