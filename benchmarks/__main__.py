"""``python -m benchmarks CASE [--quick] [--json FILE]``; ``--list`` names the cases, ``--all`` runs every one.

Each run leaves its figures and samples in ``benchmarks/results/``, a quick one in a folder of its own. ``--all`` ends
with ``--report``, which makes one HTML and one JSON report of the last run of each case, and from those of the whole
scale the table ``benchmarks/RESULTS.md``.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from benchmarks.cases.accuracy import ACCURACY
from benchmarks.cases.builtin import BUILTIN
from benchmarks.cases.chaos import CHAOS
from benchmarks.cases.clients import CLIENTS_CASE
from benchmarks.cases.clips import CLIPS
from benchmarks.cases.dedup import DEDUP
from benchmarks.cases.density import DENSITY
from benchmarks.cases.detect import DETECT
from benchmarks.cases.events import EVENTS
from benchmarks.cases.gate import GATE
from benchmarks.cases.gpu import GPU
from benchmarks.cases.ingest import INGEST
from benchmarks.cases.latency import LATENCY
from benchmarks.cases.node import NODE
from benchmarks.cases.recording import RECORDING
from benchmarks.cases.recovery import RECOVERY
from benchmarks.cases.stale import STALE
from benchmarks.cases.switch import SWITCH
from benchmarks.cases.tracking import TRACKING
from benchmarks.cases.wall import WALL
from benchmarks.page import page, table
from benchmarks.report import Case, Report

CASES: dict[str, Case] = {
    case.name: case
    for case in (
        NODE,
        RECOVERY,
        CHAOS,
        DEDUP,
        RECORDING,
        CLIPS,
        CLIENTS_CASE,
        INGEST,
        GATE,
        DETECT,
        GPU,
        DENSITY,
        ACCURACY,
        BUILTIN,
        TRACKING,
        EVENTS,
        LATENCY,
        STALE,
        SWITCH,
        WALL,
    )
}

RESULTS = Path("benchmarks/results")
TABLE = Path("benchmarks/RESULTS.md")


def main(argv: list[str]) -> int:
    """Run what is asked for. Exit code 0: measured (held or not), 1: could not be measured, 2: wrong words."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("case", nargs="?", choices=sorted(CASES))
    parser.add_argument("--list", action="store_true", help="name the cases")
    parser.add_argument("--all", action="store_true", help="run every case, then --report")
    parser.add_argument("--report", action="store_true", help=f"HTML and JSON of the last runs, and {TABLE}")
    parser.add_argument("--quick", action="store_true", help="smaller scale, at most 45 s a case")
    parser.add_argument("--json", type=Path, help="write the case's report here too, the raw samples beside it")
    given = parser.parse_args(argv)
    folder = RESULTS / "quick" if given.quick else RESULTS
    if given.list:
        for case in CASES.values():
            print(f"{case.name:<12} {case.question}")
        return 0
    if [given.all, given.report, given.case is not None].count(True) != 1:
        parser.error("name one CASE, or --all, or --report")
    if given.report:
        return _report(folder, quick=given.quick)
    if given.case is not None:
        report = _run(CASES[given.case], folder, quick=given.quick)
        if given.json is not None:
            report.write(given.json)
        return 0
    failed = [case for case in CASES.values() if not _measured(case, folder, quick=given.quick)]
    return _report(folder, quick=given.quick) or int(bool(failed))


def _measured(case: Case, folder: Path, *, quick: bool) -> bool:
    """Whether it could be measured; that it could not is told and does not keep others from it."""
    try:
        _run(case, folder, quick=quick)
    except (RuntimeError, OSError, ValueError) as error:
        (folder / f"{case.name}.json").unlink(missing_ok=True)  # an old figure would pass for a new one
        print(f"{case.name}: could not be measured: {type(error).__name__}: {error}", file=sys.stderr)
        return False
    return True


def _report(folder: Path, *, quick: bool) -> int:
    reports = [Report.read(file) for name in CASES if (file := folder / f"{name}.json").is_file()]
    if not reports:
        print(f"{folder}: no case was run yet; `python -m benchmarks --all` runs every one", file=sys.stderr)
        return 1
    told = [report.as_json() for report in reports]
    (folder / "report.json").write_text(json.dumps(told, indent=2, ensure_ascii=False) + "\n", "utf-8")
    (folder / "report.html").write_text(page(reports), "utf-8")
    written = [folder / "report.html", folder / "report.json"]
    if not quick:
        TABLE.write_text(table(told), "utf-8")
        written.append(TABLE)
    print(f"written: {', '.join(map(str, written))}")
    return 0


def _run(case: Case, folder: Path, *, quick: bool) -> Report:
    with tempfile.TemporaryDirectory(prefix="xl-bench-") as workdir:
        report = case.run(quick, Path(workdir))
    print(report.as_text(), flush=True)
    report.write(folder / f"{case.name}.json")
    return report


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
