"""What does not run where the settings ask says so on the worker's health, its metrics and in Redis's record of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from pydantic import SecretStr
from structlog.testing import capture_logs

from configs.schema import Decoding, Settings
from detect.accelerator import Fallback
from detect.factory import DetectorPlan
from detect.motion import MotionDetectors
from xueliang.worker import metrics
from xueliang.worker.node import WorkerNode
from xueliang.worker.share import MachineShare

CAUSE = "this ONNX Runtime has no provider for cuda, only CPU"
PLAN = DetectorPlan("model", "constant", ("person",), 1, None, MotionDetectors)


def told(node: WorkerNode) -> tuple[dict[str, object], str]:
    registry = CollectorRegistry()
    metrics.register(registry, node)
    return node.health(), generate_latest(registry).decode()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(state_dir=tmp_path)


def node_of(settings: Settings, plan: DetectorPlan) -> WorkerNode:
    with capture_logs():
        return WorkerNode(
            "w", settings, (), plan, SecretStr("redis://127.0.0.1:1/0"), lambda _: None, share=MachineShare(1)
        )


def test_a_detector_on_the_processor_instead_of_a_gpu_is_told(settings: Settings) -> None:
    fallback = Fallback("cuda", "cpu", CAUSE, "pip install onnxruntime-gpu")
    node = node_of(settings, replace(PLAN, fallback=fallback, reason=fallback.sentence))
    health, figures = told(node)
    assert health["fallbacks"] == [{"part": "detection", "asked": "cuda", "used": "cpu", "cause": CAUSE}]
    assert health["reason"] == f"detection runs on cpu instead of cuda: {CAUSE}; pip install onnxruntime-gpu"
    assert 'xueliang_fallback{asked="cuda",part="detection",used="cpu"} 1.0' in figures


def test_decoding_on_the_processor_instead_of_hardware_is_told(settings: Settings) -> None:
    asked = settings.model_copy(update={"decoding": Decoding(hardware="d3d11va")})  # never on Linux
    node = node_of(asked, PLAN)
    health, figures = told(node)
    assert health["decoding"] == "cpu"
    assert [(each.part, each.asked, each.used) for each in node.fallbacks] == [("decoding", "d3d11va", "cpu")]
    assert 'xueliang_fallback{asked="d3d11va",part="decoding",used="cpu"} 1.0' in figures
    assert "xueliang_decoding_fallbacks_total 1.0" in figures


def test_what_runs_as_asked_for_is_no_fallback(settings: Settings) -> None:
    health, figures = told(node_of(settings, PLAN))
    assert health["fallbacks"] == []
    assert "xueliang_fallback{" not in figures
