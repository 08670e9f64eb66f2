"""The pictures of docs/rules.md: each example runs on a drawn scene, and the moment of its first finding is drawn.

Run as ``python docs/rules/draw.py``; pictures are written beside it.
"""

from __future__ import annotations

import re
from datetime import UTC
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from ruamel.yaml import YAML

from alerts.pipeline import CameraRules
from alerts.snapshot import draw
from configs.schedule import Calendar
from configs.schema import Camera
from detect.detection import Tracks
from ingest.simulator.scene.place import SceneKind
from ingest.simulator.scene.scene import Scene
from ingest.simulator.source import SceneSource

HERE = Path(__file__).parent
SCENES = {
    "intrusion": SceneKind.YARD,
    "loitering": SceneKind.SQUARE,
    "line_crossing": SceneKind.STREET,
    "crowding": SceneKind.SQUARE,
    "unattended": SceneKind.YARD,
    "wrong_way": SceneKind.BRIDGE,
    "stopped_vehicle": SceneKind.YARD,
    "camera_fault": SceneKind.STREET,
}
SIZE = (480, 270)
FPS = 5
SEEN_SHARE = 0.3
"""Who is hidden more than this is not found."""


def examples() -> dict[str, dict[str, Any]]:
    """The last example of each kind in the document, as a camera's settings."""
    text = (HERE.parent / "rules.md").read_text("utf-8")
    found = [YAML(typ="safe", pure=True).load(block) for block in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)]
    return {example["rules"][0]["kind"]: example for example in found}


def main() -> None:
    """Draw all."""
    for kind, example in examples().items():
        if kind not in SCENES:
            continue
        scene = SceneSource(seed=1, kind=SCENES[kind], width=SIZE[0], height=SIZE[1], seconds=24).scene(Fraction(FPS))
        picture = covered(scene) if kind == "camera_fault" else found(scene, example)
        encoded, jpeg = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 72])
        assert encoded
        (HERE / f"{kind}.jpg").write_bytes(jpeg.tobytes())


def found(scene: Scene, example: dict[str, Any]) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """The first moment at which the example's rule finds something."""
    camera = Camera.model_validate(
        {"id": "c", "site": "s", "name": "c", "main": {"url": "rtsp://127.0.0.1/main"}, **example}
    )
    rules = CameraRules(
        camera, region_id="r", calendar=Calendar(UTC), model_id=None, new_id=lambda: "1", clock=lambda: 0.0
    )
    for index in range(scene.frame_count):
        for candidate in rules.observe(tracks(scene, index)):
            picture, _ = scene.frame(index)
            draw(picture, candidate.event, rules.place(candidate.event))
            for zone in camera.zones:
                if zone.way is not None:
                    start, end = ((round(x * SIZE[0]), round(y * SIZE[1])) for x, y in zone.way)
                    cv2.arrowedLine(picture, start, end, (255, 255, 255), 3, cv2.LINE_AA, tipLength=0.1)
            return picture
    raise SystemExit(f"{camera.rules[0].id}: finds nothing on its scene; draw it elsewhere")


def tracks(scene: Scene, index: int) -> Tracks:
    """What a perfect detector and tracker would find on the frame."""
    seen = [one for one, share in scene.seen(index) if share > SEEN_SHARE]
    boxes = np.array([one.box for one in seen], np.float32).reshape(-1, 4)
    ids = np.array([one.id for one in seen], np.int64)
    at = index / FPS
    return Tracks("c", at, at, ids, boxes, np.ones(len(seen), np.float32), tuple(one.label for one in seen))


def covered(scene: Scene) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """A moment as it is, and beside it what a covered camera shows of it."""
    picture, _ = scene.frame(0)
    half = cv2.resize(picture, (SIZE[0] // 2, SIZE[1] // 2), interpolation=cv2.INTER_AREA)
    dark = (half // 12).astype(np.uint8)
    return np.hstack([half, dark]).astype(np.uint8)


if __name__ == "__main__":
    main()
