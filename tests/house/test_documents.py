"""The documents tell the truth: every link, command and file that they name is there."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = ["README.md", "ARCHITECTURE.md", "CHANGELOG.md"]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_point_to_files(name: str) -> None:
    text = (ROOT / name).read_text("utf-8")
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", text)
    assert [link for link in links if not (ROOT / link).exists()] == []


@pytest.mark.parametrize("name", DOCUMENTS)
def test_files_in_code_spans_exist(name: str) -> None:
    text = (ROOT / name).read_text("utf-8")
    packages = r"(?:alerts|benchmarks|configs|dashboard|detect|ingest|models|setup|tests|xueliang)"
    named = set(re.findall(rf"`({packages}/[\w./-]*\w(?:\.\w+)?/?)`", text))
    assert [path for path in sorted(named) if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("name", DOCUMENTS)
def test_make_targets_exist(name: str) -> None:
    targets = set(re.findall(r"^([a-z][\w-]*):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = set(re.findall(r"`make ([a-z]+)", (ROOT / name).read_text("utf-8")))
    assert named - targets == set()


@pytest.mark.parametrize("name", DOCUMENTS)
def test_commands_exist(name: str) -> None:
    named = set(re.findall(r"`xueliang ([a-z]+)", (ROOT / name).read_text("utf-8")))
    shown = subprocess.run([sys.executable, "-m", "xueliang.cli", "--help"], capture_output=True, text=True, check=True)
    assert [command for command in sorted(named) if not re.search(rf"\b{command}\b", shown.stdout)] == []


def test_locks_hold_hashes_and_no_addresses() -> None:
    for lock in (ROOT / "requirements.lock", *(ROOT / "setup").glob("requirements-*.txt")):
        text = lock.read_text("utf-8")
        pins = re.findall(r"^[a-z0-9][\w.-]*==", text, re.MULTILINE)
        assert pins, lock
        assert text.count("--hash=sha256:") >= len(pins), lock
        assert "://" not in text, lock
    packages = json.loads((ROOT / "dashboard/web/package-lock.json").read_text("utf-8"))["packages"]
    assert [name for name, package in packages.items() if "resolved" in package] == []
    assert [name for name, package in packages.items() if name and "integrity" not in package] == []
