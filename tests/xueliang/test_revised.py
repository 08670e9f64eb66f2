"""Which settings a node starts with: the file's, until somebody has changed them by the page."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from alerts.storage.database import open_engine
from alerts.storage.revisions import RevisionStore
from configs.loader import load
from configs.revision import camera_tree, with_cameras
from configs.schema import Camera, Settings
from xueliang import assignment
from xueliang.revised import Handing, Revised, settings_file
from xueliang.surroundings import database_url

FILE = """
title: {title}
regions: [{{id: r, name: r, level: county}}]
sites: [{{id: s, name: s, region: r, location: {{lat: 1, lon: 2}}}}]
cameras: [{{id: a, site: s, name: a, main: {{url: "rtsp://192.0.2.1/a"}}}}]
"""


class Node:
    """A settings file and its database, started again and again."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "node.yaml"
        self.environ = {"XUELIANG_STATE_DIR": str(folder / "state")}
        (folder / "state").mkdir()
        self.write("first")

    def write(self, title: str) -> None:
        self.file.write_text(FILE.format(title=title), "utf-8")

    def start(self, *, fresh: bool = False) -> tuple[Revised, Settings]:
        revised = Revised(load(self.file, self.environ), self.file, self.environ, fresh=fresh)
        return revised, revised.take_up()

    def store(self) -> RevisionStore:
        return RevisionStore(open_engine(database_url(load(self.file, self.environ))))


@pytest.fixture
def node(tmp_path: Path) -> Node:
    return Node(tmp_path)


def test_the_file_counts_until_somebody_changed_the_settings_by_the_page(node: Node) -> None:
    revised, settings = node.start()
    assert (settings.title, revised.number) == ("first", 1)
    revised.close()
    node.write("second")
    revised, settings = node.start()
    assert (settings.title, revised.number) == ("second", 2), "nobody else has changed anything"
    revised.close()

    store = node.store()
    newest = store.last()
    assert newest is not None
    store.add(2, {**newest.tree, "title": "by the page"}, by="a", by_name="a", why="")
    node.write("third")
    revised, settings = node.start()
    assert (settings.title, revised.number) == ("by the page", 3)
    revised.close()
    revised, settings = node.start(fresh=True)
    assert (settings.title, revised.number) == ("third", 4), "as the demo writes it"
    revised.close()


def test_a_revision_is_written_beside_the_state_and_handed_to_the_workers(node: Node, tmp_path: Path) -> None:
    revised, settings = node.start()
    assert revised.newer() is None
    handing = Handing(tmp_path / "assignments", assignment.assign(settings.cameras, 2, revised.number))
    files = handing.write()
    new = Camera.model_validate({"id": "b", "site": "s", "name": "b", "main": {"url": "rtsp://192.0.2.1/b"}})
    store = node.store()
    first = store.get(1)
    store.add(1, with_cameras(first.tree, [camera_tree(new)]), by="a", by_name="a", why="")

    after = revised.newer()
    assert after is not None
    handing.hand_out(after, revised.number)
    handed = [assignment.read(file) for file in files]
    assert [(each.cameras, each.revision) for each in handed] == [(("a",), 2), (("b",), 2)]
    file = settings_file(settings)
    assert load(file, {**node.environ, **revised.environ}) == after
    assert file.stat().st_mode & 0o077 == 0
    assert "Revision 2" in file.with_suffix(".yaml").read_text("utf-8")
    assert "database_url" not in json.loads(file.read_text("utf-8"))
    revised.close()
