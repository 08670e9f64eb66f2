"""The report can be read without a network, its plots show the samples, and its table says what was missed."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks.__main__ import main
from benchmarks.page import page, table
from benchmarks.plots import percentile_plot
from benchmarks.report import Figure, Report

MACHINE = {"processor": "A <b>", "cores": 2, "system": "Linux", "python": "3.11", "versions": {"numpy": "2"}}


def _report() -> Report:
    report = Report("speed", "2026-01-02T03:04:05+00:00", False, "small", machine=MACHINE)
    report.figures["kept"] = Figure(0.5, "x", "higher", 0.9)
    report.figures["late"] = Figure(3, "ms", "lower", 5)
    report.figures["seen"] = Figure(7, "", "higher")
    report.notes.append("a < b")
    report.samples["late"] = [1.0, 2.0, 3.0]
    return report


def test_the_page_needs_nothing_else_and_escapes_what_it_shows() -> None:
    told = page([_report()])
    assert not re.search(r"(?:src|href)=|@import|://", told)
    assert "A &lt;b&gt;" in told
    assert "a &lt; b" in told
    assert told.count("<svg") == 1
    assert "≥ 0.9 missed" in told
    assert "≤ 5 held" in told


def test_a_plot_rises_with_its_samples_from_left_to_right() -> None:
    tree = ElementTree.fromstring(percentile_plot("late", [30.0, 10.0, 20.0]))
    line = next(each for each in tree if each.tag == "polyline")
    points = [tuple(map(float, point.split(","))) for point in line.attrib["points"].split()]
    assert [x for x, _ in points] == sorted(x for x, _ in points)
    assert [y for _, y in points] == sorted((y for _, y in points), reverse=True)
    assert points[0][1] > points[-1][1]


@pytest.mark.parametrize("samples", [[], [1.0, float("nan")]])
def test_nothing_is_drawn_of_what_was_not_measured(samples: list[float]) -> None:
    with pytest.raises(ValueError, match="late"):
        percentile_plot("late", samples)


def test_the_table_holds_what_a_bar_is_set_for_with_machine_and_date() -> None:
    told = table([_report().as_json()])
    assert "| kept | 0.5 x | ≥ 0.9 | **missed** |" in told
    assert "| late | 3 ms | ≤ 5 | held |" in told
    assert "seen" not in told
    assert "2 cores, Linux, Python 3.11; numpy 2" in told
    assert "2026-01-02" in told


def test_a_report_is_read_as_it_was_written(tmp_path: Path) -> None:
    _report().write(tmp_path / "speed.json")
    assert Report.read(tmp_path / "speed.json") == _report()


def test_the_last_runs_become_a_page_and_a_table_and_nothing_becomes_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "benchmarks").mkdir()
    assert main(["--report"]) == 1
    assert "--all" in capsys.readouterr().err
    replace(_report(), case="node").write(tmp_path / "benchmarks" / "results" / "node.json")
    assert main(["--report"]) == 0
    assert "≥ 0.9 missed" in (tmp_path / "benchmarks" / "results" / "report.html").read_text()
    assert "**missed**" in (tmp_path / "benchmarks" / "RESULTS.md").read_text()
