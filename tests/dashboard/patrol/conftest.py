from __future__ import annotations

from tests.alerts.conftest import database_url, postgres_admin

__all__ = ["database_url", "postgres_admin"]
