"""``gpu``: how near does detection on an NVIDIA GPU come to what ONNX Runtime alone can do there?

The pool with its batches and I/O binding, fed with decoded 1080p pictures, against ONNX Runtime on a tensor of the same
batch that lies in the GPU's memory for good; by turns, as in ``detect``. The model is one whose batch axis is free.
Without a GPU, its provider or its libraries there is no figure, and a note says which of them is missing.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import onnxruntime as ort

from benchmarks.cases.accuracy import spec_of
from benchmarks.cases.detect import PROFILES, source_of
from benchmarks.efficiency import compare, decoded
from benchmarks.report import Case, Figure, Report
from benchmarks.running import CACHE
from detect.accelerator import AcceleratorError, Name, accelerator, require, usual_batch
from ingest.simulator.encode import cached_files, prepare
from xueliang.surroundings import shared_folder

MODEL = "deimv2_atto_320"
ACCELERATOR: Name = "cuda"
SESSIONS = max(1, (os.cpu_count() or 1) - 1)
"""As a worker starts with: bringing pictures to the model is the processor's work, and takes more than one core."""


def run(quick: bool, workdir: Path) -> Report:  # noqa: ARG001 - what it keeps lies in the cache
    """About a minute; 15 s where ``quick``."""
    slices = 5 if quick else 20
    batch = usual_batch(ACCELERATOR)
    scale = f"{slices} slices, {SESSIONS} sessions of {batch} pictures, {MODEL}"
    report = Report("gpu", datetime.now(UTC).isoformat(timespec="seconds"), quick, scale)
    shared = shared_folder()
    if shared is None:
        report.notes.append("no models here, so no figure: want ../shared/models")
        return report
    try:
        require(ACCELERATOR, ort.get_available_providers(), MODEL)
        _measure(report, shared, slices, batch)
    except AcceleratorError as error:
        report.notes.append(f"efficiency_vs_bare: no figure: {error.fault}; {error.action}")
    return report


def _measure(report: Report, shared: Path, slices: int, batch: int) -> None:
    source = source_of(shared, report)
    prepare(source, PROFILES, CACHE)
    told = compare(
        spec_of(shared / "models" / f"{MODEL}.onnx"),
        decoded(cached_files(source, PROFILES, CACHE)[0]),
        sessions=SESSIONS,
        rounds=slices,
        slice_s=1.0,
        accelerator=accelerator(ACCELERATOR, None),
        batch=batch,
    )
    report.figures["efficiency_vs_bare"] = Figure(round(told.ratio(lambda one: one.rate), 3), "x", "higher", 0.90)
    for name, each in (("pool", told.pool), ("bare", told.bare)):
        report.samples[f"{name}_rate"] = [one.rate for one in each]
        median = float(np.median(report.samples[f"{name}_rate"]))
        report.figures[f"{name}_rate"] = Figure(round(median, 1), "1/s", "higher")


GPU = Case("gpu", "how near does detection on an NVIDIA GPU come to what ONNX Runtime alone can do there?", run)
