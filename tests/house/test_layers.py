"""What the layers promise, beyond what import-linter reads from the text."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_dashboards_and_historians_processes_load_no_pixels() -> None:
    code = (
        "import sys\n"
        "import xueliang.processes.dashboard, xueliang.processes.historian\n"
        "print(sorted({'numpy', 'cv2', 'av', 'onnxruntime', 'scipy'} & set(sys.modules)))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert shown.stdout.strip() == "[]"


def test_packages_run_nothing_when_imported() -> None:
    inits = [
        path for path in ROOT.glob("*/**/__init__.py") if not {".venv", "node_modules", "results"} & set(path.parts)
    ]
    assert inits
    assert [str(path.relative_to(ROOT)) for path in inits if path.read_text("utf-8").strip()] == []
