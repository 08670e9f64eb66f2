"""The demo's settings: the example county, with simulated cameras at some of its sites. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from configs.desks import AlarmSettings, Desk
from configs.recording import CameraRecording, RecordingSettings
from configs.rules import LoiteringRule
from configs.schema import (
    Camera,
    CameraDetection,
    CrowdingRule,
    Identifier,
    IntrusionRule,
    Line,
    LineCrossingRule,
    Listen,
    OfflineRule,
    PatrolPlan,
    Rule,
    Settings,
    Severity,
    StreamSettings,
    Zone,
)
from configs.setup import SetupSettings

YARD = Zone(id="yard", name="重点区域", polygon=((0.22, 0.40), (0.78, 0.40), (0.92, 0.96), (0.08, 0.96)))
SQUARE = Zone(id="square", name="广场", polygon=((0.06, 0.25), (0.94, 0.25), (0.98, 0.98), (0.02, 0.98)))
GATE = Line(id="gate", name="警戒线", a=(0.5, 0.98), b=(0.5, 0.2))
OFFLINE = OfflineRule(
    id="offline", kind="camera_offline", name="摄像机离线", severity=Severity.LOW, after_s=10, rearm_s=300
)
RECORDED = RecordingSettings(default=CameraRecording(mode="continuous", stream="sub"), budget_gb=2)
"""What is open in any case, so that the demo's alarms have clips at hardly any cost."""
NETWORKS = ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")
"""The simulated cameras stand on this machine; real ones may be tried beside them."""
DESKS = (
    Desk(
        id="county-desk",
        name="县指挥中心",
        name_en="County centre",
        regions=("wuzhou",),
        roles=("operator", "shift_leader", "administrator"),
    ),
    Desk(id="liuhe-desk", name="柳河镇坐席", name_en="Liuhe town desk", regions=("liuhe",), accounts=("liuhe",)),
    Desk(
        id="shiqiao-desk", name="石桥镇坐席", name_en="Shiqiao town desk", regions=("shiqiao",), accounts=("shiqiao",)
    ),
)
"""A desk over the whole county, and one in each of two towns, whose alarms go up where nobody is there."""
SHIFTS = AlarmSettings(shift_changes=("08:00", "20:00"))
Watched = tuple[Rule, tuple[Zone, ...], tuple[Line, ...]]
"""A rule with the zones and lines that it needs."""
TRAFFIC = ("person", "bicycle", "motorcycle", "car", "truck", "bus")


def demo_settings(
    county: Settings,
    streams: Sequence[tuple[StreamSettings, StreamSettings]],
    *,
    state_dir: Path,
    port: int,
    watched: Sequence[Watched | None] = (),
    recording: RecordingSettings | None = None,
    desks: Sequence[Desk] = (),
) -> Settings:
    """``county`` with one camera for each (main, sub) of ``streams``, spread over its sites.

    ``watched``: what each camera watches for; where nothing is said, a place that fits most pictures.
    """
    every = max(1, len(county.cameras) // max(1, len(streams)))
    chosen = county.cameras[::every][: len(streams)]
    cameras = tuple(
        _camera(camera, main, sub, (watched[index] if index < len(watched) else None) or _watch(index))
        for index, (camera, (main, sub)) in enumerate(zip(chosen, streams, strict=False))
    )
    kept: set[Identifier] = {camera.site for camera in cameras}
    return county.model_copy(
        update={
            "state_dir": state_dir,
            "listen": Listen(port=port),
            "cameras": cameras,
            "sites": tuple(site for site in county.sites if site.id in kept),
            "recording": recording or RecordingSettings(),
            "desks": tuple(desks),
            "alarms": SHIFTS if desks else county.alarms,
            "setup": SetupSettings(camera_networks=NETWORKS),
            "patrol": PatrolPlan(name=f"重点点位 {len(cameras)} 处", name_en=f"{len(cameras)} key sites", slots=3),
        }
    )


def _camera(camera: Camera, main: StreamSettings, sub: StreamSettings, watched: Watched) -> Camera:
    rule, zones, lines = watched
    return Camera(
        id=camera.id,
        site=camera.site,
        name=camera.name,
        name_en=camera.name_en,
        main=main,
        sub=sub,
        detection=CameraDetection(fps=4, gated=True),
        zones=zones,
        lines=lines,
        rules=(rule, OFFLINE),
    )


def _watch(index: int) -> Watched:
    """One rule a camera, in turn, so that each kind of alarm is seen and no camera floods the desk."""
    if index % 4 == 0:
        crowding = CrowdingRule(
            id="crowd",
            kind="crowding",
            name="人员聚集",
            severity=Severity.CRITICAL,
            rearm_s=180,
            zone=SQUARE.id,
            limit=6,
            duration_s=2,
        )
        return crowding, (SQUARE,), ()
    if index % 4 == 1:
        intrusion = IntrusionRule(
            id="yard",
            kind="intrusion",
            name="区域闯入",
            severity=Severity.MEDIUM,
            rearm_s=120,
            zone=YARD.id,
            dwell_s=1,
            classes=TRAFFIC,
        )
        return intrusion, (YARD,), ()
    if index % 4 == 2:
        loitering = LoiteringRule(
            id="stay",
            kind="loitering",
            name="人员徘徊",
            severity=Severity.MEDIUM,
            rearm_s=180,
            zone=SQUARE.id,
            dwell_s=6,
        )
        return loitering, (SQUARE,), ()
    crossing = LineCrossingRule(
        id="gate",
        kind="line_crossing",
        name="越线闯入",
        severity=Severity.HIGH,
        rearm_s=120,
        line=GATE.id,
        classes=TRAFFIC,
    )
    return crossing, (), (GATE,)


def as_yaml(settings: Settings) -> str:
    """The settings as the YAML that the loader reads."""
    yaml = YAML()
    yaml.default_flow_style = None
    yaml.width = 120
    out = StringIO()
    data: dict[str, Any] = settings.model_dump(mode="json", exclude_defaults=True)
    out.write("# Written by `xueliang demo` at each start.\n")
    yaml.dump(data, out)
    return out.getvalue()
