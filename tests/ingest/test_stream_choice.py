"""Which stream is analysed: sub where it carries enough pixels, main only where it brings more."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configs.schema import Camera, IntrusionRule, OfflineRule, StreamSettings
from ingest.frame import StreamName
from ingest.stream_choice import USUAL_SMALLEST, PixelNeed, Size, smallest_object
from models.manifest import Fit, ModelInput


def _input(width: int = 416, height: int = 416, fit: Fit = Fit.TOP_LEFT) -> ModelInput:
    return ModelInput(name="images", width=width, height=height, colour="bgr", fit=fit)


FULL_HD = Size(1920, 1080)


@pytest.mark.parametrize(
    ("sub", "main", "model", "smallest", "wanted"),
    [
        pytest.param(Size(640, 360), FULL_HD, _input(), 0.01, "sub", id="sub fills the input, so main brings nothing"),
        pytest.param(Size(416, 234), FULL_HD, _input(), 0.01, "sub", id="sub is just as large as the input"),
        pytest.param(Size(320, 180), FULL_HD, _input(), 0.1, "sub", id="18 of 23 px: still enough to be found"),
        pytest.param(Size(320, 180), FULL_HD, _input(), 0.08, "main", id="14 of 19 px: too few in sub"),
        pytest.param(Size(320, 180), FULL_HD, _input(), 0.02, "main", id="hardly found in main, even less in sub"),
        pytest.param(Size(400, 225), FULL_HD, _input(), 0.02, "sub", id="main would bring 4 per cent more"),
        pytest.param(Size(320, 180), Size(320, 180), _input(), 0.02, "sub", id="main is no larger"),
        pytest.param(Size(320, 180), Size(160, 90), _input(), 0.02, "sub", id="main is the smaller one"),
        pytest.param(Size(640, 360), FULL_HD, _input(640, 640), 0.02, "sub", id="a larger input that sub fills too"),
        pytest.param(Size(352, 288), FULL_HD, _input(640, 640), 0.05, "main", id="an input that CIF does not fill"),
        pytest.param(Size(352, 288), FULL_HD, _input(), 0.03, "sub", id="an anamorphic sub is the higher in the input"),
        pytest.param(Size(320, 240), FULL_HD, _input(416, 416, Fit.STRETCH), 0.05, "main", id="stretched: 12 of 20 px"),
        pytest.param(Size(240, 426), Size(1080, 1920), _input(), 0.02, "sub", id="upright: its height fills the input"),
    ],
)
def test_the_stream_follows_from_what_reaches_the_model(
    sub: Size, main: Size, model: ModelInput, smallest: float, wanted: StreamName
) -> None:
    assert PixelNeed(model, smallest).choose(sub, main) == wanted


_SIDE = st.integers(16, 4096)
_SIZE = st.builds(Size, _SIDE, _SIDE)
_NEED = st.builds(
    PixelNeed,
    st.builds(_input, st.integers(64, 1280), st.integers(64, 1280), st.sampled_from(Fit)),
    st.floats(0.001, 1.0),
)


@given(_NEED, _SIZE, _SIZE)
def test_main_is_never_chosen_where_it_brings_no_more(need: PixelNeed, sub: Size, main: Size) -> None:
    if need.choose(sub, main) == "main":
        assert need.height_px(main) > need.height_px(sub)
        assert not need.met_by(sub)


@given(_NEED, _SIZE, _SIZE)
def test_a_sub_that_is_enough_is_chosen_whatever_main_is(need: PixelNeed, sub: Size, main: Size) -> None:
    if need.met_by(sub):
        assert need.choose(sub, main) == "sub"


@given(_NEED, _SIZE)
def test_no_object_has_more_pixels_than_its_stream_or_the_input(need: PixelNeed, stream: Size) -> None:
    assert need.height_px(stream) <= need.smallest * min(stream.height, need.input.height) * (1 + 1e-9)


def _camera(*heights: float) -> Camera:
    rules = [
        IntrusionRule(id=f"r{index}", name="in", kind="intrusion", zone="yard", min_height=height)
        for index, height in enumerate(heights)
    ]
    return Camera(
        id="C",
        site="s",
        name="C",
        main=StreamSettings(url="rtsp://192.0.2.1/main"),
        rules=(*rules, OfflineRule(id="off", name="off", kind="camera_offline")),
    )


@pytest.mark.parametrize(
    ("heights", "smallest"),
    [
        pytest.param((), USUAL_SMALLEST, id="no rule over objects: boxes are shown all the same"),
        pytest.param((0.3, 0.04), 0.04, id="the most demanding rule counts"),
        pytest.param((0.3, 0.0), USUAL_SMALLEST, id="a rule for any height asks for the usual"),
    ],
)
def test_the_smallest_object_is_that_of_the_rules(heights: tuple[float, ...], smallest: float) -> None:
    assert smallest_object(_camera(*heights)) == smallest
