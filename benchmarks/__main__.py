"""``python -m benchmarks CASE [--quick] [--json FILE]``; ``--list`` names the cases, ``--all`` runs every one."""

from __future__ import annotations

import argparse
import html
import json
import sys
import tempfile
from pathlib import Path

from benchmarks.cases.accuracy import ACCURACY
from benchmarks.cases.builtin import BUILTIN
from benchmarks.cases.density import DENSITY
from benchmarks.cases.detect import DETECT
from benchmarks.cases.ingest import INGEST
from benchmarks.cases.node import NODE
from benchmarks.cases.recovery import RECOVERY
from benchmarks.cases.tracking import TRACKING
from benchmarks.report import Case, Report

CASES: dict[str, Case] = {
    case.name: case for case in (NODE, RECOVERY, INGEST, DETECT, DENSITY, ACCURACY, BUILTIN, TRACKING)
}


def main(argv: list[str]) -> int:
    """Run what is asked for. Exit code 0: measured (held or not), 1: could not be measured, 2: wrong words."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("case", nargs="?", choices=sorted(CASES))
    parser.add_argument("--list", action="store_true", help="name the cases")
    parser.add_argument("--all", action="store_true", help="run every case, write one HTML and one JSON report")
    parser.add_argument("--quick", action="store_true", help="smaller scale, at most 45 s a case")
    parser.add_argument("--json", type=Path, help="write the report here, the raw samples beside it")
    given = parser.parse_args(argv)
    if given.list:
        for case in CASES.values():
            print(f"{case.name:<12} {case.question}")
        return 0
    if given.all == (given.case is not None):
        parser.error("name one CASE, or --all")
    if given.case is not None:
        report = _run(CASES[given.case], quick=given.quick)
        print(report.as_text())
        if given.json is not None:
            report.write(given.json)
        return 0
    folder = (given.json or Path("benchmarks/results/report.json")).parent
    reports = [_run(case, quick=given.quick) for case in CASES.values()]
    for report in reports:
        print(report.as_text())
        report.write(folder / f"{report.case}.json")
    (folder / "report.json").write_text(json.dumps([report.as_json() for report in reports], indent=2), "utf-8")
    (folder / "report.html").write_text(_page(reports), "utf-8")
    print(f"written: {folder / 'report.html'} and {folder / 'report.json'}")
    return 0


def _run(case: Case, *, quick: bool) -> Report:
    with tempfile.TemporaryDirectory(prefix="xl-bench-") as workdir:
        return case.run(quick, Path(workdir))


def _page(reports: list[Report]) -> str:
    parts = ["<!doctype html><meta charset=utf-8><title>xueliang benchmarks</title>"]
    for report in reports:
        parts.append(f"<h2>{html.escape(report.case)}</h2><p>{html.escape(report.scale)}, {report.started}</p><table>")
        for name, figure in report.figures.items():
            goal = "" if figure.goal is None else f"{figure.goal:g} ({'held' if figure.met else 'missed'})"
            parts.append(
                f"<tr><td>{html.escape(name)}<td align=right>{figure.value:g}<td>{html.escape(figure.unit)}<td>{goal}"
            )
        parts.append("</table>")
        parts += [f"<p>{html.escape(note)}</p>" for note in report.notes]
    return "\n".join(parts)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
