"""A revision is the file without what belongs to one machine; from it and the environment come the same settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from configs.loader import load, load_data, load_text
from configs.revision import as_yaml, camera_tree, changes, imported, with_cameras, without_camera
from configs.schema import Camera, Settings

EXAMPLE = Path(__file__).parents[2] / "configs" / "examples" / "county.yaml"

FILE = """
state_dir: /srv/x
listen: {port: 1}
database_url: postgresql://user:geheim@db/x
redis_url: redis://:geheim@r/0
holidays: [2026-10-01]
regions: [{id: r, name: r, level: county}]
sites:
  - {id: s, name: s, region: r, location: {lat: 1, lon: 2}}
cameras:
  - id: a
    site: s
    name: 甲
    main: {url: "rtsp://192.0.2.1/a"}
    credentials: {username: admin, password_file: a.txt}
  - {id: b, site: s, name: 乙, main: {url: "rtsp://192.0.2.1/b"}}
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "a.txt").write_text("right\n")
    return load_text(FILE, tmp_path / "node.yaml", {})


def test_the_example_comes_back_whole(tmp_path: Path) -> None:
    tree = imported(EXAMPLE.read_text("utf-8"), EXAMPLE.parent)
    environ = {"XUELIANG_STATE_DIR": str(tmp_path)}
    assert load_data(tree, tmp_path / "x", environ) == load_text(
        as_yaml(tree, "as people read it"), tmp_path / "y.yaml", environ
    )
    plain = load(EXAMPLE, environ)
    assert load_data(tree, tmp_path / "x", environ).cameras == plain.cameras


def test_no_address_or_password_of_the_machine_is_in_it_and_secrets_are_found_from_anywhere(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("right\n")
    tree = imported(FILE, tmp_path)
    assert "geheim" not in as_yaml(tree, "")
    assert not {"state_dir", "listen", "database_url", "redis_url"} & tree.keys()
    again = load_data(tree, Path("/elsewhere/settings.json"), {"XUELIANG_LISTEN__PORT": "9"})
    assert again.cameras[0].credentials is not None
    assert again.cameras[0].credentials.password.get_secret_value() == "right"
    assert again.listen.port == 9
    assert "listen" not in tree, "the environment is laid over a copy"


def test_cameras_are_replaced_added_and_taken_out(settings: Settings, tmp_path: Path) -> None:
    tree = imported(FILE, tmp_path)
    renamed = settings.cameras[1].model_copy(update={"name": "丙"})
    new = Camera.model_validate({"id": "c", "site": "s", "name": "丁", "main": {"url": "rtsp://192.0.2.1/c"}})
    changed = with_cameras(tree, [camera_tree(renamed), camera_tree(new)])
    after = load_data(changed, tmp_path / "x", {})
    assert [(camera.id, camera.name) for camera in after.cameras] == [("a", "甲"), ("b", "丙"), ("c", "丁")]
    made = changes(load_data(tree, tmp_path / "x", {}), after)
    assert (made.added, made.changed, made.removed, made.restart) == (("c",), ("b",), (), ())
    gone = changes(after, load_data(without_camera(changed, "a"), tmp_path / "x", {}))
    assert gone.cameras == ("a",)
    with pytest.raises(KeyError):
        without_camera(tree, "z")


def test_what_waits_for_the_next_start_is_named(settings: Settings) -> None:
    other = settings.model_copy(update={"title": "新", "workers": 3, "sites": ()})
    made = changes(settings, other)
    assert made.restart == ("workers",)
    assert made.sections == ("sites", "title", "workers")
