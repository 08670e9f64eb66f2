"""Where a node finds its things: parts of its state folder, default URLs, and what lies beside a checkout."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from pydantic import SecretStr

from configs.schema import Settings


def evidence_dir(settings: Settings) -> Path:
    """Snapshots and clips of alarms."""
    return settings.state_dir / "evidence"


def recordings_dir(settings: Settings) -> Path:
    """A folder for each recorded camera."""
    return settings.recording.folder or settings.state_dir / "recordings"


def database_url(settings: Settings) -> SecretStr:
    """The settings' database, else SQLite in the state folder."""
    return settings.database_url or SecretStr(f"sqlite:///{settings.state_dir / 'xueliang.db'}")


def shared_folder(package: Path = Path(__file__)) -> Path | None:
    """``shared/`` beside the checkout this code runs from, with real models and clips; None where there is none."""
    checkout = package.resolve().parents[1]
    folder = checkout.parent / "shared"
    return folder if (checkout / "pyproject.toml").is_file() and folder.is_dir() else None


def shared_models(shared: Path | None) -> tuple[Path, ...]:
    """Folders beside the checkout in which models may lie."""
    return (shared / "models",) if shared is not None and (shared / "models").is_dir() else ()


def web_dist() -> Path:
    """The built wall, inside the dashboard package."""
    spec = find_spec("dashboard")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    return Path(next(iter(spec.submodule_search_locations))) / "web" / "dist"
