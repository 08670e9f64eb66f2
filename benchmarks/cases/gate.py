"""``gate``: what the packet gate misses and costs on footage that it was not made on, against full analysis.

Offline: sizes, quantisers and times of the pictures of encoded footage, and what the detector finds on them, found
once and kept in the cache. ``_unseen``: pieces that were looked at when the gate was mended; ``_held``: those that were
not.
The first run encodes and analyses two minutes of each piece; later ones take seconds.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from structlog.testing import capture_logs

from benchmarks.cases.ingest import TOLERANCE_S, camera_of
from benchmarks.gate_replay import Analysed, Outcome, analyse, encode_missing, packet_gate, run_piece
from benchmarks.replay import compare
from benchmarks.report import Case, Figure, Report
from benchmarks.running import CACHE, ROOT
from benchmarks.unseen import PIECES, Piece
from configs.loader import load
from configs.schema import ModelSettings, Settings
from detect.factory import open_store, plan_detector
from ingest.simulator.source import SourceError
from xueliang.surroundings import shared_folder, shared_models


@dataclass(slots=True)
class _Tally:
    """Sums over pieces."""

    hits: int = 0
    wanted: int = 0
    delays: list[float] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)

    def tell(self, report: Report, suffix: str) -> None:
        """Adds the figures, none with a bar."""
        if not self.wanted:
            report.notes.append(f"{suffix}: no event, so no figure")
            return
        judged_h = sum(each.judged_s for each in self.outcomes) / 3600
        calm_h = sum(each.calm_s for each in self.outcomes) / 3600
        shares = [(each.open_share, each.decoded_share) for each in self.outcomes]
        opened, decoded = (float(value) for value in np.mean(shares, axis=0))
        false = sum(each.false_openings for each in self.outcomes) / calm_h
        looks = sum(each.looks for each in self.outcomes) / judged_h
        report.figures |= {
            f"event_recall_gated_{suffix}": Figure(round(self.hits / self.wanted, 4), "", "higher"),
            f"open_share_{suffix}": Figure(round(opened, 3), "", "lower"),
            f"decoded_share_{suffix}": Figure(round(decoded, 3), "", "lower"),
            f"false_openings_per_hour_{suffix}": Figure(round(false, 1), "1/h", "lower"),
            f"looks_per_hour_{suffix}": Figure(round(looks, 1), "1/h", "lower"),
        }
        report.samples[f"event_start_delay_s_{suffix}"] = self.delays
        for percentile in (50, 99) if self.delays else ():
            value = float(np.percentile(np.asarray(self.delays), percentile))
            report.figures[f"event_start_delay_s_p{percentile}_{suffix}"] = Figure(round(value, 2), "s", "lower")


def run(quick: bool, workdir: Path) -> Report:
    """All pieces; where ``quick``, one sub stream of each kind."""
    chosen = _quick() if quick else PIECES
    started = datetime.now(UTC).isoformat(timespec="seconds")
    report = Report("gate", started, quick, f"{len(chosen)} pieces of {chosen[0].seconds} s, a tenth of it active")
    shared = shared_folder()
    if shared is None or not (shared / "video").is_dir():
        report.notes.append("no clips here, so no figure: want ../shared/video")
        return report
    settings = ModelSettings()
    store = open_store(settings, environ=os.environ, home=Path.home(), also=shared_models(shared))
    plan = plan_detector(settings, store, cores=1)
    if plan.mode != "model":
        report.notes.append(f"no detector, so no recall: {plan.reason}")
        return report
    county = load(ROOT / "configs" / "examples" / "county.yaml", {})
    detectors = plan.open()
    tallies = {False: _Tally(), True: _Tally()}
    try:
        encode_missing(chosen, shared / "video", CACHE)
    except SourceError as error:
        report.notes.append(f"no figure: {error}")
        return report
    for piece in chosen:
        analysed = analyse(piece, CACHE, detectors)
        with capture_logs():  # the note says it
            report.notes.append(_judge(tallies[piece.held], analysed, county, workdir))
    for held, suffix in ((False, "unseen"), (True, "held")):
        tallies[held].tell(report, suffix)
    return report


def _judge(tally: _Tally, analysed: Analysed, county: Settings, workdir: Path) -> str:
    piece = analysed.piece
    camera = camera_of("unseen", "rtsp://127.0.0.1/main", gated=True)
    gate = packet_gate(camera)
    full = run_piece(analysed, camera, county, workdir, None).happenings
    outcome = run_piece(analysed, camera, county, workdir, gate)
    hits, delays = compare(full, outcome.happenings, TOLERANCE_S)
    tally.hits, tally.wanted = tally.hits + hits, tally.wanted + len(full)
    tally.delays += delays
    tally.outcomes.append(outcome)
    sight = ", short-sighted" if gate.short_sighted else ""
    kept = "held out: " if piece.held else ""
    return f"{kept}{piece.name} ({piece.encoding}): {hits} of {len(full)} events, open {outcome.open_share:.0%}{sight}"


def _quick() -> Sequence[Piece]:
    small = [piece for piece in PIECES if piece.encoding.height <= 360]
    return [next(piece for piece in small if piece.held is held) for held in (False, True)]


GATE = Case("gate", "what the packet gate misses on footage it was not made on, and how long it is open", run)
