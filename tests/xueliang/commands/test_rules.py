"""``xueliang rules test`` on a drawn scene with the model in the box: what would have been told, and why."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import av
import pytest
from typer.testing import CliRunner

from ingest.simulator.scene.place import SceneKind
from ingest.simulator.source import SceneSource
from xueliang.commands.rules import app

FPS = 5
SETTINGS = """\
regions: [{id: h, name: h, level: county}]
sites: [{id: s, name: s, region: h, location: {lat: 31, lon: 118}}]
model: {id: xueliang_scenes}
cameras:
  - id: C1
    site: s
    name: c
    main: {url: "rtsp://192.0.2.1/main"}
    zones: [{id: all, name: 全部, polygon: [[0, 0], [1, 0], [1, 1], [0, 1]]}]
    rules:
      - {id: in, kind: intrusion, name: i, zone: all, dwell_s: 1}
      - {id: night, kind: intrusion, name: n, zone: all, schedule: [{hours: "22:00-06:00"}]}
      - {id: buses, kind: intrusion, name: b, zone: all, classes: [bus]}
      - {id: off, kind: camera_offline, name: o}
"""


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight seconds of the square at 5 fps."""
    file = tmp_path_factory.mktemp("clips") / "square.mp4"
    with av.open(str(file), "w") as container:
        stream = container.add_stream("mpeg4", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = 640, 360, "yuv420p"
        stream.bit_rate = 2_000_000
        for number, frame in enumerate(
            SceneSource(seed=1, kind=SceneKind.SQUARE, seconds=8).pictures(Fraction(FPS), 640, 360)
        ):
            frame.pts, frame.time_base = number, Fraction(1, FPS)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return file


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "node.yaml"
    file.write_text(f"state_dir: {tmp_path / 'state'}\n{SETTINGS}", "utf-8")
    return file


def test_a_dry_run_tells_what_would_have_been_told(clip: Path, config: Path, tmp_path: Path) -> None:
    film = tmp_path / "out.mp4"
    words = ["test", str(clip), "--config", str(config), "--camera", "C1", "--at", "2026-09-21T12:00"]
    shown = CliRunner().invoke(app, [*words, "--json", "--video", str(film)])
    assert shown.exit_code == 0, shown.output
    told = json.loads(shown.stdout)
    assert (told["camera_id"], told["model_id"], told["pictures"]) == ("C1", "xueliang_scenes", 8 * FPS)
    assert {one["event"]["rule_id"] for one in told["told"]} == {"in"}, "no bus, and no night at noon"
    first = told["told"][0]
    assert (first["alarm"], first["merged"]) == (1, False)
    assert first["why"].startswith("1 person in all for 1")
    assert all(one["merged"] for one in told["told"][1:]), "one happening"
    with av.open(str(film)) as container:
        assert sum(1 for _ in container.decode(video=0)) == 8 * FPS
    table = CliRunner().invoke(app, [*words[:-1], "2026-09-21T23:00"])
    assert "told nothing: buses" in table.stdout, "by night the rule of the night tells too"
    assert "not tried, since a clip has no stream: off" in table.stdout
    assert not (tmp_path / "state").exists(), "nothing is stored"


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["CONFIG", "--camera", "C1"], 1, "cannot be read as video"),
        (["CLIP", "--camera", "C9"], 2, "no camera 'C9'"),
        (["CLIP", "--camera", "C1", "--at", "noon"], 2, "want a time"),
    ],
)
def test_what_cannot_be_run_is_told_in_one_line(
    clip: Path, config: Path, words: list[str], code: int, said: str
) -> None:
    given = [str({"CLIP": clip, "CONFIG": config}.get(word, word)) for word in words]
    shown = CliRunner().invoke(app, ["test", *given, "--config", str(config)])
    assert shown.exit_code == code
    assert said in shown.stderr
    assert len(shown.stderr.splitlines()) == 1
