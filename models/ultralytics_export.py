"""Run by ``models.export`` inside the interpreter that has ``ultralytics``: arguments are one JSON object.

``checkpoint``: a ``.pt`` file, which is a pickle and runs what it holds; ``size``: side of the input, px; ``half``,
``dynamic``: as ``ultralytics`` has them. The last line printed is a JSON object: ``file`` and ``task``, or ``error``.
This file imports nothing of the product: only text goes between the two.
"""

from __future__ import annotations

import importlib
import json
import sys

NOT_INSTALLED = 3


def main() -> int:
    """Exit code 0: exported, :data:`NOT_INSTALLED`: no ``ultralytics`` here, 1: it refused."""
    asked = json.loads(sys.argv[1])
    try:
        ultralytics = importlib.import_module("ultralytics")
    except ImportError as error:
        print(json.dumps({"error": str(error)}))  # noqa: T201 - the answer
        return NOT_INSTALLED
    model = ultralytics.YOLO(asked["checkpoint"])
    if model.task != "detect":
        print(json.dumps({"task": model.task, "error": f"its task is {model.task!r}"}))  # noqa: T201 - the answer
        return 1
    file = model.export(
        format="onnx", imgsz=asked["size"], half=asked["half"], dynamic=asked["dynamic"], nms=False, device="cpu"
    )
    print(json.dumps({"file": str(file), "task": model.task}))  # noqa: T201 - the answer
    return 0


if __name__ == "__main__":
    sys.exit(main())
