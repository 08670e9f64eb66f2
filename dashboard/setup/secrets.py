"""Cameras' passwords as files: each of its own name, so that an undone revision finds the former one again."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from pydantic import SecretStr

FOLDER = "secrets"


def keep(state_dir: Path, camera_id: str, password: SecretStr) -> Path:
    """A new file, readable by its owner alone. Raises ``OSError``."""
    folder = state_dir / FOLDER
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / f"{camera_id}-{secrets.token_hex(8)}"
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(password.get_secret_value())
    return path
