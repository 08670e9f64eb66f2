"""What is to be corrected is said, and a good camera gets no advice."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ingest.state import Fault
from ingest.stream_choice import PixelNeed
from models.manifest import Fit, ModelInput
from xueliang.probe.advice import Analysed, suggestions
from xueliang.probe.figures import Figures
from xueliang.probe.report import CameraReport, Picture, StreamReport, as_data, as_lines

MAIN = StreamReport(
    "main",
    None,
    "",
    opened_s=0.05,
    first_picture_s=0.1,
    picture=Picture("h264", "Main", 1920, 1080, 25.0, b_frames=False),
    figures=Figures(75, 25.0, 2e6, 2.0, None),
    decoded=75,
    clock_ahead_s=0.02,
    audio=(),
)
assert MAIN.picture is not None
assert MAIN.figures is not None
PICTURE, FIGURES = MAIN.picture, MAIN.figures
SUB = replace(MAIN, stream="sub", picture=replace(PICTURE, width=640, height=360))


def test_a_good_camera_gets_no_advice() -> None:
    assert suggestions((MAIN, SUB), analysed=Analysed("sub", 5.0)) == ()


@pytest.mark.parametrize(
    ("stream", "told"),
    [
        pytest.param(replace(MAIN, figures=replace(FIGURES, gop_s=8.0)), "every 8 s", id="long GOP"),
        pytest.param(
            replace(MAIN, figures=replace(FIGURES, gop_s=None, gop_at_least_s=11.0)), "11 s or more", id="endless GOP"
        ),
        pytest.param(replace(SUB, picture=replace(PICTURE, codec="hevc", width=640, height=360)), "H.264", id="H.265"),
        pytest.param(replace(SUB, picture=replace(PICTURE, width=1280, height=720)), "960x540", id="large sub"),
        pytest.param(replace(MAIN, picture=replace(PICTURE, b_frames=True)), "B-frames", id="B-frames"),
        pytest.param(replace(MAIN, clock_ahead_s=-35.0), "35 s behind", id="clock"),
        pytest.param(replace(MAIN, clock_ahead_s=None), "no RTCP", id="no clock"),
        pytest.param(replace(MAIN, figures=replace(FIGURES, fps=12.0)), "25 pictures a second are declared", id="rate"),
        pytest.param(replace(SUB, figures=replace(FIGURES, fps=25.0), broken=3), "3 of 78", id="a little loss"),
        pytest.param(StreamReport("main", Fault.REFUSED, "401"), "lock out", id="refused"),
        pytest.param(StreamReport("main", Fault.UNREACHABLE, "no answer"), "check the address", id="unreachable"),
        pytest.param(replace(MAIN, fault=Fault.UNREACHABLE), "ends sessions", id="ended by the camera"),
        pytest.param(replace(MAIN, fault=Fault.GARBLED), "for loss", id="garbled"),
        pytest.param(StreamReport("sub", Fault.FROZEN, "no packets"), "restart the camera", id="frozen"),
    ],
)
def test_each_weakness_has_its_advice(stream: StreamReport, told: str) -> None:
    (only,) = suggestions((stream,))
    assert only.stream == stream.stream
    assert told in only.text


def test_a_stream_slower_than_what_is_to_be_analysed_is_told() -> None:
    slow = replace(
        SUB, figures=replace(FIGURES, fps=4.0), picture=replace(PICTURE, width=640, height=360, fps_declared=4)
    )
    (only,) = suggestions((MAIN, slow), analysed=Analysed("sub", 8.0))
    assert "detection.fps is 8" in only.text
    assert suggestions((MAIN, slow), analysed=Analysed("main", 8.0)) == ()


def test_a_camera_without_a_sub_stream_is_told_unless_something_worse_is() -> None:
    (only,) = suggestions((MAIN,), sub_expected=True)
    assert "no sub stream" in only.text
    broken = StreamReport("main", Fault.REFUSED, "401")
    assert [each.stream for each in suggestions((broken,), sub_expected=True)] == ["main"]


def test_the_same_advice_for_both_streams_is_one_line_and_json_keeps_both() -> None:
    streams = tuple(replace(each, clock_ahead_s=60.0) for each in (MAIN, SUB))
    report = CameraReport("C1", streams, suggestions(streams))
    lines = as_lines(report)
    assert [line for line in lines if "60 s ahead" in line] == [
        "  → main, sub: the camera's clock is 60 s ahead: give it an NTP server"
    ]
    assert lines[1].startswith("C1  sub   good; h264 Main 640x360; 25.0 fps (declares 25), 2.00 Mbit/s, GOP 2.0 s")
    data = as_data(report)
    assert data["good"] is True
    assert [each["stream"] for each in data["suggestions"]] == ["main", "sub"]
    assert data["streams"][1]["figures"]["fps"] == 25.0


def test_a_sub_stream_with_too_few_pixels_is_told_and_main_is_judged_in_its_place() -> None:
    small = replace(SUB, picture=replace(PICTURE, width=320, height=180))
    model = ModelInput(name="images", width=416, height=416, colour="bgr", fit=Fit.TOP_LEFT)
    need = PixelNeed(model, 0.05)
    (only,) = suggestions((MAIN, small), analysed=Analysed("sub", 5.0, need))
    assert only.stream == "sub"
    assert "9 px high" in only.text
    assert "set the sub stream to 416x234 or more" in only.text
    told = suggestions((replace(MAIN, figures=replace(FIGURES, fps=3.0)), small), analysed=Analysed("sub", 5.0, need))
    assert any(each.stream == "main" and "detection.fps is 5" in each.text for each in told)
    assert suggestions((MAIN, SUB), analysed=Analysed("sub", 5.0, need)) == ()
    unknown = replace(small, picture=replace(PICTURE, width=None, height=None))
    assert suggestions((MAIN, unknown), analysed=Analysed("sub", 5.0, need)) == ()
