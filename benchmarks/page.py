"""The reports of a run as one HTML page that needs nothing else, and as a table for the repository."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from benchmarks.plots import percentile_plot
from benchmarks.report import Figure, Report

_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;color:#1c2733;max-width:1120px;margin:2rem auto;padding:0 1rem}
h1{font-weight:600}h2{font-weight:600;margin:2.2rem 0 .3rem;border-top:1px solid #dde3ea;padding-top:1.2rem}
p{margin:.2rem 0;color:#5a6875}table{border-collapse:collapse;margin:.8rem 0}
td,th{padding:.2rem .9rem .2rem 0;text-align:left;border-bottom:1px solid #eef1f5}
td.v{text-align:right;font-variant-numeric:tabular-nums}.held{color:#157347}.missed{color:#b02a37;font-weight:600}
ul{color:#5a6875;padding-left:1.2rem}.plots{display:flex;flex-wrap:wrap;gap:12px}
svg .t{font-size:12px;fill:#1c2733}svg .n{font-size:10px;fill:#7b8794}svg .g{stroke:#dde3ea;fill:none}
svg .l{stroke:#2463b4;stroke-width:1.6;fill:none}
"""


def page(reports: Sequence[Report]) -> str:
    """A whole HTML document, plots inline; percentiles to the right in each plot."""
    return "\n".join(_page(reports))


def _page(reports: Sequence[Report]) -> Iterator[str]:
    yield '<!doctype html><html lang="en"><meta charset="utf-8"><title>xueliang benchmarks</title>'
    yield f"<style>{_STYLE}</style>"
    yield "<h1>xueliang benchmarks</h1>"
    for machine in dict.fromkeys(machine_line(report.machine) for report in reports):
        yield f"<p>{html.escape(machine)}</p>"
    for report in reports:
        scale = f"{report.scale}{', quick' if report.quick else ''}, {report.started}"
        yield f"<h2>{html.escape(report.case)}</h2><p>{html.escape(scale)}</p>"
        if report.figures:
            yield "<table><tr><th>figure<th>value<th>unit<th>bar</tr>"
            yield from (_row(name, figure) for name, figure in report.figures.items())
            yield "</table>"
        if report.notes:
            yield f"<ul>{''.join(f'<li>{html.escape(note)}</li>' for note in report.notes)}</ul>"
        plots = [percentile_plot(name, values) for name, values in report.samples.items() if len(values) > 1]
        if plots:
            yield f'<div class="plots">{"".join(plots)}</div>'
    yield "</html>"


def _row(name: str, figure: Figure) -> str:
    bar = ""
    if figure.goal is not None:
        word = "held" if figure.met else "missed"
        bar = f'<span class="{word}">{_bar(figure)} {word}</span>'
    return f'<tr><td>{html.escape(name)}<td class="v">{figure.value:g}<td>{html.escape(figure.unit)}<td>{bar}</tr>'


def table(reports: Sequence[Mapping[str, Any]]) -> str:
    """Markdown, from reports in the form of :meth:`benchmarks.report.Report.as_json`: what a bar is set for, and when.

    Figures without a bar stay in the JSON, and notes but where a bar was missed. Raises ``ValueError`` for no reports.
    """
    if not reports:
        raise ValueError("no reports: run `python -m benchmarks --all` first")
    lines = ["# Results", "", "Written by `python -m benchmarks --report` from the last run; not edited by hand.", ""]
    for machine in dict.fromkeys(machine_line(report["machine"]) for report in reports):
        lines += [machine, ""]
    for report in reports:
        lines += [f"## {report['case']}", "", f"{report['scale']}. {report['started'][:10]}", ""]
        judged = {name: Figure(**figure) for name, figure in report["figures"].items() if figure["goal"] is not None}
        if not judged:
            lines += ["No figure with a bar was measured.", ""]
            continue
        lines += ["| figure | value | bar | |", "|---|---:|---:|---|"]
        for name, figure in judged.items():
            value = f"{figure.value:g} {figure.unit}".strip()
            lines.append(f"| {name} | {value} | {_bar(figure)} | {'held' if figure.met else '**missed**'} |")
        lines.append("")
        if not all(figure.met for figure in judged.values()):
            lines += [*(f"- {note}" for note in report["notes"]), ""]
    return "\n".join(lines).rstrip() + "\n"


def machine_line(machine: Mapping[str, Any]) -> str:
    """Processor, cores, system and versions in a sentence."""
    versions = ", ".join(f"{name} {number}" for name, number in machine["versions"].items())
    return (
        f"{machine['processor']}, {machine['cores']} cores, {machine['system']}, Python {machine['python']}; {versions}"
    )


def _bar(figure: Figure) -> str:
    return f"{'≥' if figure.better == 'higher' else '≤'} {figure.goal:g}"
