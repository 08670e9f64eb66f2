from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.simulator.rtsp.basic import BasicGuard

GUARD = BasicGuard("admin", "p@ss:w/rd")


def _header(credentials: str, scheme: str = "Basic") -> str:
    return f"{scheme} {base64.b64encode(credentials.encode()).decode()}"


@pytest.mark.parametrize(
    ("header", "accepted"),
    [
        pytest.param(_header("admin:p@ss:w/rd"), True, id="the password may hold a colon"),
        pytest.param(_header("admin:p@ss:w/rd", "bAsIc"), True, id="the scheme's case does not matter"),
        pytest.param(_header("admin:p@ss"), False, id="half a password"),
        pytest.param(_header("root:p@ss:w/rd"), False, id="another user"),
        pytest.param(_header("admin:p@ss:w/rd", "Digest"), False, id="another scheme"),
        pytest.param("Basic ???", False, id="no base64"),
        pytest.param("", False, id="nothing"),
    ],
)
def test_who_comes_in(header: str, accepted: bool) -> None:
    assert GUARD.verify("DESCRIBE", "rtsp://c/main", header).accepted is accepted


@given(st.text(max_size=60))
def test_any_header_is_judged(header: str) -> None:
    assert not GUARD.verify("PLAY", "rtsp://c/main", header).accepted


def test_the_password_is_told_nowhere() -> None:
    assert "p@ss" not in repr(GUARD) + "".join(GUARD.challenges())
