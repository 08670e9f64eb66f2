"""One clip: a plain MP4 of what was recorded around a moment, whole or not there at all."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import NamedTemporaryFile

from alerts.recording.archive import Archive, init_of, one_init
from alerts.recording.playback import from_key, placed
from ingest import mp4
from ingest.fragments import parse_head


class NothingRecorded(LookupError):
    """No picture was recorded around the moment."""


@dataclass(frozen=True, slots=True)
class Clip:
    """A written clip: ``begins_at`` and ``ends_at`` of its pictures, UTC epoch s."""

    sha256: str
    begins_at: float
    ends_at: float
    bytes: int


def relative_path(event_id: str, camera_id: str, occurred_at: float) -> str:
    """``clips/YYYY/MM/DD/<event id>-<camera id>.mp4``, by the UTC day of the event, like its snapshot."""
    day = datetime.fromtimestamp(occurred_at, UTC)
    return f"clips/{day:%Y/%m/%d}/{event_id}-{camera_id}.mp4"


def write_clip(
    archive: Archive,
    camera_id: str,
    span: tuple[float, float],
    moment: float,
    target: Path,
    *,
    fsync: Callable[[int], None] = os.fsync,
) -> Clip:
    """Write ``target`` with the whole GOPs of ``span``, UTC epoch s, under the parameters that held at ``moment``.

    Raises :class:`NothingRecorded`, and ``OSError`` where it cannot be written; then there is no file.
    """
    found = [whole for each in archive.find(camera_id, *span) if (whole := from_key(each)) is not None]
    joined = one_init(found, moment)
    if not joined:
        raise NothingRecorded(camera_id)
    fragments = [fragment for each in joined for fragment in each.fragments]
    data = []
    for each in joined:
        with each.file.path.open("rb") as media:
            for fragment in each.fragments:
                media.seek(fragment.offset)
                data.append(media.read(fragment.size))
    heads = [parse_head(fragment) for fragment in data]
    samples: list[mp4.Sample] = []
    begins = placed(fragments)
    for index, head in enumerate(heads):
        if samples:  # over a gap the last picture before it stays
            duration, size, flags, offset = samples[-1]
            hole = begins[index] - begins[index - 1] - heads[index - 1].duration
            samples[-1] = duration + hole, size, flags, offset
        samples += head.rows
    header = mp4.header(init_of(joined[0]), samples, fragments[0].begins_at)
    digest = hashlib.sha256(header)
    target.parent.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile(dir=target.parent, prefix=".", suffix=".tmp", delete=False) as file:
        temporary = Path(file.name)
        try:
            file.write(header)
            for fragment_bytes, head in zip(data, heads, strict=True):
                payload = memoryview(fragment_bytes)[head.head_size :]
                digest.update(payload)
                file.write(payload)
            file.flush()
            fsync(file.fileno())
            size = file.tell()
            temporary.rename(target)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise
    ends_at = max(fragment.ends_at for fragment in fragments)
    return Clip(digest.hexdigest(), fragments[0].begins_at, ends_at, size)
