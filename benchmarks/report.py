"""What a benchmark says: named figures with unit and goal, the machine, and notes. A figure not measured is absent."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import distributions
from pathlib import Path
from typing import Any, Literal

import numpy as np

_TOLD = {"av", "numpy", "onnxruntime", "onnxruntime-gpu", "onnxruntime-openvino", "redis", "xueliang"}


def this_machine() -> dict[str, Any]:
    """The machine and the versions that the figures depend on."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        names = [line.split(":", 1)[1].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        model = names[0] if names else model
    return {
        "processor": model,
        "cores": os.cpu_count(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "versions": dict(sorted((each.name, each.version) for each in distributions() if each.name in _TOLD)),
    }


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number. ``goal`` is the bar, None where the figure is only reported."""

    value: float
    unit: str
    better: Literal["higher", "lower"]
    goal: float | None = None

    @property
    def met(self) -> bool | None:
        """Whether the bar is held; None without one."""
        if self.goal is None:
            return None
        return self.value >= self.goal if self.better == "higher" else self.value <= self.goal


@dataclass(slots=True)
class Report:
    """The result of one case. ``samples`` are the raw numbers behind the figures."""

    case: str
    started: str
    quick: bool
    scale: str
    figures: dict[str, Figure] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    samples: dict[str, list[float]] = field(default_factory=dict)
    machine: Mapping[str, Any] = field(default_factory=this_machine)

    @classmethod
    def read(cls, file: Path) -> Report:
        """What :meth:`write` has written, with its samples where they lie beside it."""
        told = json.loads(file.read_text("utf-8"))
        beside = file.with_suffix(".samples.json")
        return cls(
            case=told["case"],
            started=told["started"],
            quick=told.get("quick", False),
            scale=told["scale"],
            figures={name: Figure(**figure) for name, figure in told["figures"].items()},
            notes=told["notes"],
            samples=json.loads(beside.read_text("utf-8")) if beside.is_file() else {},
            machine=told["machine"],
        )

    def percentiles(self, name: str, samples: Sequence[float], unit: str, goals: Mapping[int, float]) -> None:
        """Add ``name_p50`` and the like for each percentile of ``goals``; nothing where there is no sample."""
        if not samples:
            self.notes.append(f"{name}: no sample, so no figure")
            return
        self.samples[name] = list(samples)
        for percentile, goal in goals.items():
            value = float(np.percentile(np.asarray(samples), percentile))
            self.figures[f"{name}_p{percentile}"] = Figure(round(value, 2), unit, "lower", goal)

    def as_json(self) -> dict[str, Any]:
        """The form of the contract, without the raw samples."""
        data: dict[str, Any] = {"case": self.case, "started": self.started, "machine": self.machine}
        if self.quick:
            data["quick"] = True
        data["scale"] = self.scale
        data["figures"] = {name: asdict(figure) for name, figure in self.figures.items()}
        data["notes"] = self.notes
        return data

    def write(self, file: Path) -> None:
        """Write the report, and the raw samples beside it as ``NAME.samples.json``."""
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(self.as_json(), indent=2, ensure_ascii=False) + "\n", "utf-8")
        file.with_suffix(".samples.json").write_text(json.dumps(self.samples), "utf-8")

    def as_text(self) -> str:
        """For a terminal: a row a figure."""
        rows = [f"{self.case} ({self.scale})"]
        for name, figure in self.figures.items():
            bar = ""
            if figure.goal is not None:
                sign = ">=" if figure.better == "higher" else "<="
                bar = f"  bar {sign} {figure.goal:g}  {'held' if figure.met else 'MISSED'}"
            rows.append(f"  {name:<32} {figure.value:>10g} {figure.unit:<8}{bar}")
        return "\n".join([*rows, *(f"  note: {note}" for note in self.notes)])


@dataclass(frozen=True, slots=True)
class Case:
    """A benchmark: what it answers, and how it is run. ``run(quick, workdir)`` needs the machine for itself."""

    name: str
    question: str
    run: Callable[[bool, Path], Report]
