"""The page's own dictionaries: a test expects the words that a reader sees, and spells none of them again."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from tests.system.running import ROOT

ENTRY = re.compile(r'^  ("[^"]+"): ("(?:\\.|[^"\\])*"),$', re.MULTILINE)
VALUE = re.compile(r"\{(\w+)(?:\|([^|}]*)\|([^}]*))?\}")
"""As ``fill`` of ``lib/i18n/index.ts`` reads it."""
Words = Callable[..., str]
"""``words(key, **values)``: the sentence with its values filled in."""


def words(language: str) -> Words:
    """Of ``zh`` or ``en``; an unknown key raises ``KeyError``."""
    text = (ROOT / "dashboard" / "web" / "src" / "lib" / "i18n" / f"{language}.ts").read_text("utf-8")
    dictionary: dict[str, str] = {json.loads(key): json.loads(said) for key, said in ENTRY.findall(text)}

    def said(key: str, **values: object) -> str:
        def fill(found: re.Match[str]) -> str:
            name, one, more = found.groups()
            value = str(values[name])
            return value if one is None else (one if value == "1" else more)

        return VALUE.sub(fill, dictionary[key])

    return said
