"""Where a node finds its things: parts of its state folder, default URLs, and what lies beside a checkout."""

from __future__ import annotations

from pathlib import Path

from pydantic import SecretStr

from configs.schema import Settings


def evidence_dir(settings: Settings) -> Path:
    """Snapshots."""
    return settings.state_dir / "evidence"


def database_url(settings: Settings) -> SecretStr:
    """The settings' database, else SQLite in the state folder."""
    return settings.database_url or SecretStr(f"sqlite:///{settings.state_dir / 'xueliang.db'}")


def shared_folder(package: Path = Path(__file__)) -> Path | None:
    """``shared/`` beside the checkout this code runs from, with real models and clips; None where there is none."""
    checkout = package.resolve().parents[1]
    folder = checkout.parent / "shared"
    return folder if (checkout / "pyproject.toml").is_file() and folder.is_dir() else None
