"""A settings file is either usable, or every fault of it is told at once, with its line."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from configs.loader import SettingsFaults, load, load_text
from configs.schema import Settings, Zone

CONFIGS = Path(__file__).parents[2] / "configs"

SMALL = """\
regions:
  - {id: hedong, name: 河东县, level: county}
sites:
  - {id: s1, name: 广场, region: hedong, location: {lat: 31.6, lon: 118.3}}
cameras:
  - id: C-1
    site: s1
    name: 广场东
    main: {url: "rtsp://192.0.2.1/main"}
"""


def faults_of(text: str, environ: dict[str, str] | None = None, file: Path = Path("x.yaml")) -> list[str]:
    with pytest.raises(SettingsFaults) as caught:
        load_text(text, file, environ or {})
    return [line.removeprefix(f"{file}:") for line in caught.value.report()]


def test_the_commented_defaults_are_the_defaults() -> None:
    loaded = load(CONFIGS / "default.yaml", {})
    assert loaded == Settings().model_copy(update={"state_dir": loaded.state_dir})


def test_every_setting_is_named_in_the_commented_defaults() -> None:
    text = (CONFIGS / "default.yaml").read_text("utf-8")
    assert [name for name in Settings.model_fields if f"{name}:" not in text] == []


def test_the_example_county_is_what_it_says() -> None:
    county = load(CONFIGS / "examples" / "county.yaml", {})
    towns = county.regions[0].children[0].children
    assert [len(county.regions), len(towns), sum(len(town.children) for town in towns)] == [1, 3, 8]
    assert len(county.sites) == 24
    assert {camera.site for camera in county.cameras} == {site.id for site in county.sites}


def test_all_faults_come_at_once_each_with_its_line() -> None:
    text = SMALL + (
        "    credentials: {username: x, password_env: NOT_SET}\n"
        "    rules:\n"
        "      - {id: r, kind: intrusion, name: r, zone: yard}\n"
        "      - {id: r, kind: crowding, name: r, zone: yard}\n"
        "patrol: {sites: [s2]}\n"
        "timezone: Mars/One\n"
        "colour: blue\n"
    )
    assert faults_of(text) == [
        "10: cameras[0].credentials.password_env: the environment variable NOT_SET is not set",
        "12: cameras[0].rules[0].zone: no zone of this camera named 'yard'",
        "13: cameras[0].rules[1]: give limit, density or both",
        "13: cameras[0].rules[1].id: rule 'r' stands twice, first on line 12",
        "13: cameras[0].rules[1].zone: no zone of this camera named 'yard'",
        "14: patrol.sites[0]: no site named 's2'",
        "15: timezone: no time zone named 'Mars/One' (an IANA name such as Asia/Shanghai)",
        "16: colour: no such key",
    ]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("a: [1\n", "not YAML"),
        ("title: x\ntitle: y\n", "duplicate key"),
        ("- 1\n", "want a mapping of sections"),
        ("listen: {port: 70000}\n", "listen.port: Input should be less than or equal to 65535"),
        ("state_dir: 3\n", "state_dir: Input is not a valid path"),
        ("desks: [{id: d, name: D, regions: [nowhere]}]\n", "desks[0].regions[0]: no region named 'nowhere'"),
        ("desks: [{id: d, name: D, regions: [a], parent: e}]\n", "desks[0].parent: no desk named 'e'"),
        (
            "desks: [{id: d, name: D, regions: [a], parent: e}, {id: e, name: E, regions: [a], parent: d}]\n",
            "desk 'e' would be above itself",
        ),
        ("alarms: {priority: [{sites: [s9], steps: 1}]}\n", "alarms.priority[0].sites[0]: no site named 's9'"),
        ("regions: [{id: a, name: A, level: village, children: [{id: b, name: B, level: town}]}]\n", "a town cannot"),
    ],
    ids=[
        "broken",
        "doubled key",
        "not a mapping",
        "out of range",
        "wrong type",
        "desk of no region",
        "desk under no desk",
        "desks in a ring",
        "priority of no site",
        "tree upside down",
    ],
)
def test_one_fault_is_named(text: str, fault: str) -> None:
    assert fault in "\n".join(faults_of(text))


def test_a_password_in_the_file_is_refused_and_not_repeated() -> None:
    text = SMALL.replace("rtsp://192.0.2.1", "rtsp://root:hunter2@192.0.2.1")
    report = "\n".join(faults_of(text))
    assert "no user or password in a URL" in report
    assert "hunter2" not in report
    inline = SMALL + "    credentials: {username: x, password: hunter2, password_env: P}\n"
    report = "\n".join(faults_of(inline, {"P": "secret"}))
    assert "a password does not stand in the settings" in report
    assert "hunter2" not in report


def test_a_password_comes_from_the_environment_or_a_file_and_shows_nowhere(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("hunter2\n")
    by_file = SMALL + "    credentials: {username: x, password_file: secret}\n"
    by_environment = SMALL + "    credentials: {username: x, password_env: P}\n"
    for text in (by_file, by_environment):
        settings = load_text(text, tmp_path / "x.yaml", {"P": "hunter2"})
        credentials = settings.cameras[0].credentials
        assert credentials is not None
        assert credentials.password.get_secret_value() == "hunter2"
        assert "hunter2" not in repr(settings) + settings.model_dump_json() + str(settings.model_dump())


def test_the_environment_overrides_the_file_and_is_blamed_for_its_faults() -> None:
    settings = load_text(SMALL, Path("x.yaml"), {"XUELIANG_LISTEN__PORT": "9001", "REDIS_URL": "redis://h:1/0"})
    assert settings.listen.port == 9001
    assert settings.redis_url is not None
    assert settings.redis_url.get_secret_value() == "redis://h:1/0"
    assert "XUELIANG_LISTEN__PORT" in faults_of(SMALL, {"XUELIANG_LISTEN__PORT": "many"})[0]
    assert "no such key" in faults_of(SMALL, {"XUELIANG_LISTEM__PORT": "1"})[0]


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Settings().title = "x"  # type: ignore[misc]


def test_a_near_name_is_offered() -> None:
    assert "did you mean 'hedong'?" in "\n".join(faults_of(SMALL.replace("region: hedong", "region: hedog")))


@given(
    st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=3, max_size=3, unique=True).filter(
        lambda p: abs((p[1][0] - p[0][0]) * (p[2][1] - p[0][1]) - (p[1][1] - p[0][1]) * (p[2][0] - p[0][0])) > 1e-3
    )
)
def test_any_proper_triangle_is_a_zone(corners: list[tuple[float, float]]) -> None:
    assert Zone(id="z", name="z", polygon=tuple(corners)).polygon == tuple(corners)


def test_a_zone_that_crosses_itself_is_refused() -> None:
    with pytest.raises(ValidationError, match="cross"):
        Zone(id="z", name="z", polygon=((0.0, 0.0), (1.0, 1.0), (1.0, 0.4), (0.0, 0.9)))


@pytest.mark.parametrize(
    ("model", "fault"),
    [
        ("{accelerator: cuda, device: GPU}", "accelerator cuda has no device GPU"),
        ("{accelerator: openvino, device: 0}", "accelerator openvino has no device 0"),
        ("{device: 1}", "device 1 is of no use with accelerator cpu: name one"),
        ("{accelerator: gpu}", "accelerator"),
    ],
)
def test_a_device_is_one_of_its_accelerator(model: str, fault: str) -> None:
    assert fault in faults_of(f"model: {model}\n")[0]


def test_an_accelerator_can_be_set_from_the_environment() -> None:
    environ = {"XUELIANG_MODEL__ACCELERATOR": "tensorrt", "XUELIANG_MODEL__DEVICE": "1"}
    model = load_text("", Path("x.yaml"), environ).model
    assert (model.accelerator, model.device, model.batch) == ("tensorrt", 1, None)
