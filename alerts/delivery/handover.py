"""Before the workers of a node start: what lies in a spool goes to the worker that holds its camera now.

With other settings there may be fewer workers than before, or a camera is somebody else's. A candidate that stayed
where it was would never be sent, or its situation would be held by two. Whoever calls holds the state folder's lock and
no worker runs, so that nobody else has a spool open.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import structlog

from alerts.delivery.spool import Kept, Spool

log = structlog.get_logger(__name__)

BATCH = 256
_WORKER = re.compile(r"worker-\d+", re.ASCII)


def hand_over(
    spools: Path,
    home: Mapping[str, str],
    workers: Sequence[str],
    unchanged: Callable[[str], bool] = lambda _: False,
) -> int:
    """Move what waits in the workers' folders below ``spools``; returns how many candidates.

    ``home``: by camera the worker that holds it; what is of a camera that nobody holds stays, and where its worker is
    not among ``workers`` the first of them takes it. Spools of workers for which ``unchanged`` is true are not read:
    they hold only what is theirs.

    A candidate is on the disk in its new place before it goes from the old one: what a kill leaves in both is sent
    twice, which its id makes harmless. What its new place cannot keep stays, and is told in the log. Raises ``OSError``
    where a folder cannot be read.
    """
    moved = 0
    opened: dict[str, Spool] = {}
    try:
        for folder in sorted(spools.glob("worker-*")):
            left = folder.name
            if not _WORKER.fullmatch(left) or unchanged(left) or not any(folder.glob("*.spool")):
                continue
            spool = _opened(opened, spools, left)
            waiting = spool.unsettled()
            for start in range(0, len(waiting), BATCH):
                leaving: dict[str, list[Kept]] = {}
                for kept in spool.read(waiting[start : start + BATCH]):
                    to = home.get(kept.candidate.event.camera_id, left if left in workers else workers[0])
                    if to != left:
                        leaving.setdefault(to, []).append(kept)
                for to, some in leaving.items():
                    moved += _move(some, spool, _opened(opened, spools, to))
            if spool.counters()["live"] == 0:
                spool.clear()
    finally:
        for spool in opened.values():
            spool.close()
    if moved:
        log.info("spools_handed_over", candidates=moved)
    return moved


def _opened(opened: dict[str, Spool], spools: Path, name: str) -> Spool:
    if name not in opened:
        opened[name] = Spool(spools / name)
    return opened[name]


def _move(some: list[Kept], old: Spool, new: Spool) -> int:
    there = new.keep([kept.candidate for kept in some])
    new.stored(kept.candidate.event.id for kept in some if kept.stored)
    for kept in some:
        if kept.merged_into is not None:
            new.merged(kept.candidate.event.id, kept.merged_into)
    old.settle(there)
    if len(there) < len(some):
        log.error("spool_not_handed_over", candidates=len(some) - len(there), trouble=new.trouble)
    return len(there)
