"""What holds for all tests: a slow machine fails none."""

from __future__ import annotations

from hypothesis import settings
from playwright.sync_api import expect

# What is slow is said by benchmarks; an example that another process held up says nothing.
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")
expect.set_options(timeout=60_000)
