"""``python -m dashboard.openapi`` prints the API's description, byte for byte the same for the same code.

The feed's and the live channel's messages, which OpenAPI has no place for, stand among its components.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import models_json_schema

from dashboard import messages
from dashboard.app import routes

TITLE = "xueliang"
VERSION = "1"
_SOCKET_MODELS = (
    messages.Batch,
    messages.Ping,
    messages.Pong,
    messages.LiveState,
    messages.LiveInit,
    messages.LiveOverlay,
    messages.LiveSkipped,
    messages.LiveBeat,
    messages.LiveWatching,
    messages.Watch,
)


def schema() -> dict[str, Any]:
    """The whole description, websocket messages among its components."""
    described = routes(TITLE, VERSION).openapi()
    template = "#/components/schemas/{model}"
    _, extra = models_json_schema([(model, "serialization") for model in _SOCKET_MODELS], ref_template=template)
    live = TypeAdapter(messages.LiveMessage).json_schema(ref_template=template, mode="serialization")
    components = described["components"]["schemas"]
    for name, definition in {**extra["$defs"], "LiveMessage": {k: v for k, v in live.items() if k != "$defs"}}.items():
        components.setdefault(name, definition)
    return described


def text() -> str:
    return json.dumps(schema(), ensure_ascii=False, indent=1, sort_keys=True) + "\n"


if __name__ == "__main__":
    sys.stdout.write(text())
