"""The command line as it is typed: help, version, completion, and one line for a mistake."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

import pytest
from typer.testing import CliRunner

from xueliang.cli import GROUPS, app, typed_words

ROOT = Path(__file__).parents[2]
COMMANDS = ("check", "doctor", "up", "demo", *GROUPS)
HEAVY = ("av", "cv2", "onnxruntime", "sqlalchemy", "numpy", "scipy", "fastapi", "redis")

# What main() does, and then which of the heavy packages were loaded on the way.
IMPORTS = f"""
import sys
from xueliang.cli import main
try:
    main()
finally:
    print("loaded:", *sorted(set({HEAVY!r}) & set(sys.modules)), file=sys.stderr)
"""


def run(*arguments: str, environ: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "xueliang.cli", *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "200", **(environ or {})},
    )


def complete(words: str) -> list[str]:
    """What bash would be offered after ``words``, by typer's protocol."""
    given = {
        "_XUELIANG_COMPLETE": "complete_bash",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split(" ")) - 1),
    }
    return run(environ=given).stdout.split()


def test_help_lists_every_command_with_a_line_of_its_own() -> None:
    shown = run("--help").stdout
    for command in COMMANDS:
        (line,) = [line for line in shown.splitlines() if f" {command} " in line.split("  ")[0] + " "]
        assert len(line.strip(" │").removeprefix(command).strip()) > 20, line


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(("--help",), id="help"),
        pytest.param(("check", "configs/default.yaml"), id="check"),
    ],
)
def test_nothing_heavy_is_loaded_to_print_help_or_to_check_settings(arguments: tuple[str, ...]) -> None:
    shown = subprocess.run(
        [sys.executable, "-c", IMPORTS, *arguments], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert shown.stderr.strip() == "loaded:"


def test_the_version_is_told() -> None:
    result = CliRunner().invoke(app, ["--version"])
    assert (result.exit_code, result.stdout) == (0, f"xueliang {version('xueliang')}\n")


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("xueliang ", set(COMMANDS)),
        ("xueliang models ", {"list", "pull", "import", "verify"}),
        ("xueliang cameras probe --pass", {"--password-env"}),
    ],
)
def test_the_shell_completes_commands_groups_and_options(words: str, offered: set[str]) -> None:
    assert offered <= set(complete(words))


def test_the_words_to_complete_are_read_as_each_shell_tells_them() -> None:
    bash = {"_XUELIANG_COMPLETE": "complete_bash", "COMP_WORDS": "xueliang models pu", "COMP_CWORD": "2"}
    zsh = {"_XUELIANG_COMPLETE": "complete_zsh", "_TYPER_COMPLETE_ARGS": "xueliang models pu"}
    assert typed_words([], bash) == typed_words([], zsh) == ["models", "pu"]
    assert typed_words(["models", "list"], {}) == ["models", "list"]


def test_a_file_that_cannot_be_read_is_one_line_and_no_traceback() -> None:
    result = CliRunner().invoke(app, ["check", str(ROOT / "tests")])
    assert result.exit_code == 2
    assert isinstance(result.exception, SystemExit)
    assert result.stderr == f"{ROOT / 'tests'}:-: (document): cannot be read: Is a directory\n"
    started = run("up", "--config", "no-such-file.yaml")
    assert started.returncode == 2
    assert started.stderr == "no-such-file.yaml:-: (document): cannot be read: No such file or directory\n"


def test_a_group_takes_its_arguments_and_a_mistake_there_is_one_line() -> None:
    result = run("models", "pull", "no-such-model")
    assert result.returncode == 2
    (line,) = result.stderr.splitlines()
    assert "no-such-model" in line


def test_a_demo_that_cannot_store_says_so_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = run("demo", environ={"STATE_DIR": str(tmp_path / "file" / "state"), "PORT": "0"})
    assert result.returncode == 1
    (line,) = result.stderr.splitlines()
    assert "cannot be written" in line
    assert "STATE_DIR" in line
