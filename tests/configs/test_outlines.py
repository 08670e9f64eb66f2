"""Outlines are usable, or every fault of the file is told with its place."""

from __future__ import annotations

import json
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configs.loader import SettingsFaults, load, load_text
from configs.outlines import BadOutlines, parse
from configs.schema import region_ids

CONFIGS = Path(__file__).parents[2] / "configs"
SQUARE = [[118.0, 31.0], [119.0, 31.0], [119.0, 32.0], [118.0, 31.0]]
SETTINGS = "regions:\n  - {id: hedong, name: 河东县, level: county}\nmap: {outlines: county.geojson}\n"


def collection(*features: Any) -> str:
    return json.dumps({"type": "FeatureCollection", "features": list(features)})


def feature(region: str = "hedong", coordinates: Any = (SQUARE,), kind: str = "Polygon", **values: Any) -> Any:
    return {"type": "Feature", "id": region, "geometry": {"type": kind, "coordinates": coordinates}, **values}


def faults_of(text: str) -> tuple[str, ...]:
    with pytest.raises(BadOutlines) as caught:
        parse(text, {"hedong", "liuhe"})
    return caught.value.faults


def test_polygons_and_their_holes_are_read() -> None:
    hole = [[118.2, 31.1], [118.3, 31.1, 40.0], [118.3, 31.2], [118.2, 31.1]]
    several = {**feature("liuhe", [[SQUARE, hole], [SQUARE]], "MultiPolygon"), "properties": {"region": "ignored"}}
    by_property = {**feature(), "properties": {"region": "hedong"}}
    del by_property["id"]
    first, second = parse(collection(by_property, several), {"hedong", "liuhe"})
    assert (first.region, second.region) == ("hedong", "liuhe")
    assert [len(polygon) for polygon in second.polygons] == [2, 1]
    assert second.polygons[0][1][1] == (118.3, 31.1)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("{", "not JSON"),
        ('{"type": "Feature"}', "want a GeoJSON FeatureCollection"),
        (collection(), "holds no feature"),
        (collection({"type": "Feature"}), "features[0]: names no region"),
        (collection(feature("nowhere")), "features[0]: no region named 'nowhere'"),
        (collection(feature(), feature()), "features[1]: region 'hedong' has an outline already"),
        (collection(feature(kind="Point")), "features[0].geometry: want a Polygon or a MultiPolygon, got Point"),
        (collection(feature(kind="MultiPolygon", coordinates=[])), "features[0].geometry: holds no polygon"),
        (collection({**feature(), "geometry": None}), "got none"),
        (collection(feature(coordinates=[SQUARE[:3]])), "coordinates[0]: a ring has four or more positions"),
        (collection(feature(coordinates=[[*SQUARE[:3], [1, 2]]])), "coordinates[0]: the ring is not closed"),
        (collection(feature(coordinates=[[[190, 31], *SQUARE]])), "coordinates[0][0]: longitude 190 lies outside"),
        (collection(feature(coordinates=[[[31, 118], *SQUARE]])), "longitude, then latitude"),
        (collection(feature(coordinates=[[["x", 1], *SQUARE]])), "want a position [longitude, latitude]"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(text: str, wanted: str) -> None:
    assert any(wanted in fault for fault in faults_of(text)), faults_of(text)


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=4),
    )
)
def test_no_shape_of_coordinates_breaks_the_reader(coordinates: Any) -> None:
    with suppress(BadOutlines):
        parse(collection(feature(coordinates=coordinates)), {"hedong"})


def test_the_check_names_path_line_and_cause(tmp_path: Path) -> None:
    file = tmp_path / "node.yaml"
    with pytest.raises(SettingsFaults) as caught:
        load_text(SETTINGS, file, {})
    (missing,) = caught.value.report()
    assert missing.startswith(f"{file}:3: map.outlines: county.geojson: cannot be read: ")
    (tmp_path / "county.geojson").write_text(collection(feature("hedon"), feature(kind="Point")), "utf-8")
    with pytest.raises(SettingsFaults) as caught:
        load_text(SETTINGS, file, {})
    assert len(caught.value.faults) == 2
    (tmp_path / "county.geojson").write_text(collection(feature()), "utf-8")
    assert load_text(SETTINGS, file, {}).map.outlines == tmp_path / "county.geojson"


def test_the_example_county_lies_where_its_outlines_say() -> None:
    county = load(CONFIGS / "examples" / "county.yaml", {})
    assert county.map.outlines is not None
    outlines = parse(county.map.outlines.read_text("utf-8"), region_ids(county.regions))
    rings = {outline.region: outline.polygons[0][0] for outline in outlines}
    assert all(_inside(site.location.lon, site.location.lat, rings["hedong"]) for site in county.sites)
    for site in county.sites:
        village = site.region.removesuffix("-1")
        for region in (village, village.split("-", maxsplit=1)[0]):
            assert _inside(site.location.lon, site.location.lat, rings[region]), (site.id, region)


def _inside(x: float, y: float, ring: tuple[tuple[float, float], ...]) -> bool:
    crossings = 0
    for (ax, ay), (bx, by) in pairwise(ring):
        if (ay > y) != (by > y) and x < (bx - ax) * (y - ay) / (by - ay) + ax:
            crossings += 1
    return crossings % 2 == 1
