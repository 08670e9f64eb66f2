"""What the dashboard imports of `alerts` stays free of pixels and models."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = {"numpy", "cv2", "av", "onnxruntime", "scipy"}


@pytest.mark.parametrize(
    "module",
    [
        "event",
        "records",
        "store",
        "bus",
        "historian",
        "health",
        "redis_server",
        "delivery.connection",
        "recording.locks",
        "storage.evidence",
    ],
)
def test_a_module_of_the_dashboard_loads_no_pixels(module: str) -> None:
    program = f"import sys, alerts.{module}; print(*sorted({{name.split('.')[0] for name in sys.modules}}))"
    loaded = subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True, capture_output=True, text=True)
    assert not HEAVY & set(loaded.stdout.split())
