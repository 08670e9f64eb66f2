"""The spool: what it said it keeps is there after a kill, whatever the disk did."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alerts.delivery.spool import Spool
from alerts.delivery.spool_file import CANDIDATE, HEADER, encode, scan
from alerts.event import Candidate

MakeCandidate = Callable[..., Candidate]
OpenSpool = Callable[..., Spool]
ROOT = Path(__file__).parents[3]


@pytest.fixture
def open_spool() -> Iterator[OpenSpool]:
    opened: list[Spool] = []

    def make(folder: Path, **settings: Any) -> Spool:
        opened.append(Spool(folder, **settings))
        return opened[-1]

    yield make
    for spool in opened:
        spool.close()


def ids(candidates: list[Candidate]) -> list[str]:
    return [candidate.event.id for candidate in candidates]


def newest(folder: Path) -> Path:
    return max(folder.glob("*.spool"))


def test_what_is_kept_is_found_by_the_next_life_until_it_is_settled(
    tmp_path: Path, open_spool: OpenSpool, make_candidate: MakeCandidate
) -> None:
    spool = open_spool(tmp_path)
    sent = [make_candidate() for _ in range(4)]
    assert spool.keep(sent) == set(ids(sent))
    spool.stored([sent[1].event.id])
    spool.settle([sent[0].event.id, "unknown"])
    again = open_spool(tmp_path)
    assert again.unsettled() == ids(sent[1:])
    found = again.read(again.unsettled())
    assert [kept.candidate for kept in found] == sent[1:]
    assert [kept.stored for kept in found] == [True, False, False]


def test_one_fsync_serves_a_whole_batch(tmp_path: Path, open_spool: OpenSpool, make_candidate: MakeCandidate) -> None:
    spool = open_spool(tmp_path)
    spool.keep([make_candidate() for _ in range(200)])
    assert spool.counters()["syncs"] == 1


def test_killed_at_any_moment_it_has_all_that_it_confirmed(tmp_path: Path, open_spool: OpenSpool) -> None:
    program = f"""
        import sys
        from pathlib import Path
        from alerts.delivery.spool import Spool
        from alerts.event import Candidate, Event
        from alerts.event_id import new_event_id

        spool = Spool(Path({str(tmp_path)!r}), segment_bytes=20_000)
        settled = []
        while True:
            events = [
                Event(
                    id=new_event_id(), kind="intrusion", severity="low", camera_id="c", site_id="s", region_id="r",
                    rule_id="r", rule_name="r", occurred_at=1, detected_at=1, measured=1, limit=1, unit="s",
                )
                for _ in range(5)
            ]
            kept = spool.keep([Candidate(event=event, dedup_key="k", window_s=1) for event in events])
            sys.stdout.write("".join(event.id + chr(10) for event in events if event.id in kept))
            sys.stdout.flush()
    """
    victim = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program)], stdout=subprocess.PIPE, cwd=ROOT, text=True
    )
    assert victim.stdout is not None
    confirmed = [victim.stdout.readline().strip() for _ in range(400)]
    os.kill(victim.pid, signal.SIGKILL)
    confirmed += [line.strip() for line in victim.stdout.read().splitlines() if len(line) == 36]
    victim.stdout.close()
    victim.wait(60)
    assert set(confirmed) <= set(open_spool(tmp_path).unsettled())


def test_a_torn_tail_is_recognised_and_the_next_life_goes_on_behind_it(
    tmp_path: Path, open_spool: OpenSpool, make_candidate: MakeCandidate
) -> None:
    spool = open_spool(tmp_path)
    first, second = make_candidate(), make_candidate()
    spool.keep([first])
    spool.keep([second])
    path = newest(tmp_path)
    path.write_bytes(path.read_bytes()[:-3])
    again = open_spool(tmp_path)
    assert again.unsettled() == ids([first])
    assert again.counters()["torn"] > 0
    third = make_candidate()
    again.keep([third])
    assert open_spool(tmp_path).unsettled() == ids([first, third])


def test_damage_inside_costs_only_the_record_that_it_touches(
    tmp_path: Path, open_spool: OpenSpool, make_candidate: MakeCandidate
) -> None:
    spool = open_spool(tmp_path)
    sent = [make_candidate() for _ in range(3)]
    spool.keep(sent)
    path = newest(tmp_path)
    data = bytearray(path.read_bytes())
    middle = scan(bytes(data)).records[1]
    data[middle.start + 20] ^= 0xFF
    path.write_bytes(data)
    again = open_spool(tmp_path)
    assert again.unsettled() == ids([sent[0], sent[2]])
    assert again.counters()["damaged"] == HEADER.size + len(middle.content)


def test_a_full_disk_is_told_and_passes(tmp_path: Path, open_spool: OpenSpool, make_candidate: MakeCandidate) -> None:
    full = [False]

    def fsync(descriptor: int) -> None:
        if full[0]:
            raise OSError(errno.ENOSPC, "No space left on device")
        os.fsync(descriptor)

    spool = open_spool(tmp_path, fsync=fsync)
    before, lost, after = ([make_candidate()] for _ in range(3))
    spool.keep(before)
    full[0] = True
    assert spool.keep(lost) == frozenset()
    assert spool.trouble == "not kept: disk full"
    full[0] = False
    assert spool.keep(after) == set(ids(after))
    assert spool.trouble is None
    assert spool.counters()["unkept_disk"] == 1
    assert set(ids(before + after)) <= set(open_spool(tmp_path).unsettled())


def test_its_bytes_are_bounded_and_what_does_not_fit_is_counted(
    tmp_path: Path, open_spool: OpenSpool, make_candidate: MakeCandidate
) -> None:
    spool = open_spool(tmp_path, bound_bytes=2500)
    sent = [make_candidate() for _ in range(10)]
    kept = spool.keep(sent)
    assert 0 < len(kept) < 10
    assert sum(path.stat().st_size for path in tmp_path.glob("*.spool")) <= 2500
    assert spool.counters()["unkept_bound"] == 10 - len(kept)
    assert spool.trouble == "not kept: 2500 bytes wait for Redis"


def test_settled_segments_go_and_one_that_lasts_does_not_hold_the_rest(
    tmp_path: Path, open_spool: OpenSpool, make_candidate: MakeCandidate
) -> None:
    spool = open_spool(tmp_path, segment_bytes=2000)
    lasting = make_candidate()
    spool.keep([lasting])
    spool.stored([lasting.event.id])
    for _ in range(60):
        batch = [make_candidate() for _ in range(3)]
        spool.keep(batch)
        spool.settle(ids(batch))
    assert len(list(tmp_path.glob("*.spool"))) <= 9
    again = open_spool(tmp_path, segment_bytes=2000)
    assert again.unsettled() == [lasting.event.id]
    assert again.read([lasting.event.id])[0].stored


@pytest.mark.parametrize("data", [b"", b"X", b"XL", b"XLXL" * 50, b"\x00" * 100, encode(CANDIDATE, b"no JSON")])
def test_any_bytes_are_read_without_an_error(tmp_path: Path, open_spool: OpenSpool, data: bytes) -> None:
    (tmp_path / "000000000001.spool").write_bytes(data)
    (tmp_path / "notes.spool").write_bytes(data)
    assert open_spool(tmp_path).unsettled() == []


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(contents=st.lists(st.binary(max_size=60), max_size=6), cut=st.integers(0, 500))
def test_whatever_was_written_whole_before_a_cut_is_read(contents: list[bytes], cut: int) -> None:
    records = [encode(CANDIDATE, content) for content in contents]
    data = b"".join(records)[:cut]
    whole, length = 0, 0
    for record in records:
        length += len(record)
        whole += length <= cut
    found = scan(data)
    assert [record.content for record in found.records] == contents[:whole]
    assert found.torn == len(data) - sum(map(len, records[:whole]))
    assert found.damaged == 0
