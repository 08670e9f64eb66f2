"""``python -m benchmarks CASE [--quick] [--json FILE]``; ``--list`` names the cases, ``--all`` runs every one.

``--all`` writes one HTML and one JSON report, and from the whole scale the table ``benchmarks/RESULTS.md``; ``--table``
writes that table again from the JSON.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from benchmarks.cases.accuracy import ACCURACY
from benchmarks.cases.builtin import BUILTIN
from benchmarks.cases.density import DENSITY
from benchmarks.cases.detect import DETECT
from benchmarks.cases.gpu import GPU
from benchmarks.cases.ingest import INGEST
from benchmarks.cases.node import NODE
from benchmarks.cases.recovery import RECOVERY
from benchmarks.cases.tracking import TRACKING
from benchmarks.page import page, table
from benchmarks.report import Case, Report, machine

CASES: dict[str, Case] = {
    case.name: case for case in (NODE, RECOVERY, INGEST, DETECT, GPU, DENSITY, ACCURACY, BUILTIN, TRACKING)
}

RESULTS = Path("benchmarks/results/report.json")
TABLE = Path("benchmarks/RESULTS.md")


def main(argv: list[str]) -> int:
    """Run what is asked for. Exit code 0: measured (held or not), 1: could not be measured, 2: wrong words."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("case", nargs="?", choices=sorted(CASES))
    parser.add_argument("--list", action="store_true", help="name the cases")
    parser.add_argument("--all", action="store_true", help="run every case, write one HTML and one JSON report")
    parser.add_argument("--table", action="store_true", help=f"write {TABLE} from the last --all, or from --json FILE")
    parser.add_argument("--quick", action="store_true", help="smaller scale, at most 45 s a case")
    parser.add_argument("--json", type=Path, help="write the report here, the raw samples beside it")
    given = parser.parse_args(argv)
    if given.list:
        for case in CASES.values():
            print(f"{case.name:<12} {case.question}")
        return 0
    if [given.all, given.table, given.case is not None].count(True) != 1:
        parser.error("name one CASE, or --all, or --table")
    if given.table:
        return _write_table(given.json or RESULTS)
    if given.case is not None:
        report = _run(CASES[given.case], quick=given.quick)
        print(report.as_text())
        if given.json is not None:
            report.write(given.json)
        return 0
    return _run_all(given.json or RESULTS, quick=given.quick)


def _run_all(file: Path, *, quick: bool) -> int:
    """Every case in turn; one that cannot be measured is told and does not keep the others from it."""
    reports, failed = [], False
    for case in CASES.values():
        try:
            report = _run(case, quick=quick)
        except (RuntimeError, OSError, ValueError) as error:
            failed = True
            print(f"{case.name}: could not be measured: {type(error).__name__}: {error}", file=sys.stderr)
            continue
        print(report.as_text(), flush=True)
        report.write(file.parent / f"{report.case}.json")
        reports.append(report)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps([report.as_json() for report in reports], indent=2, ensure_ascii=False) + "\n", "utf-8")
    document = file.with_suffix(".html")
    document.write_text(page(reports, machine()), "utf-8")
    print(f"written: {document} and {file}")
    if not quick and not failed:
        _write_table(file)
    return int(failed)


def _write_table(file: Path) -> int:
    try:
        reports = json.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        print(f"{file}: is not there; `python -m benchmarks --all` writes it", file=sys.stderr)
        return 1
    TABLE.write_text(table(reports), "utf-8")
    print(f"written: {TABLE}")
    return 0


def _run(case: Case, *, quick: bool) -> Report:
    with tempfile.TemporaryDirectory(prefix="xl-bench-") as workdir:
        return case.run(quick, Path(workdir))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
