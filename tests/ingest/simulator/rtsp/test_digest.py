from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.simulator.rtsp.digest import DigestGuard, Verdict, digest_response, parse_authorization

URI = "rtsp://10.0.0.1:554/main"


class Now:
    """A clock that stands still."""

    def __init__(self) -> None:
        self.time = 1000.0

    def __call__(self) -> float:
        return self.time


@pytest.fixture
def digest_clock() -> Now:
    return Now()


@pytest.fixture
def digest_guard(digest_clock: Now) -> DigestGuard:
    return DigestGuard("admin", "s3cret", digest_clock, algorithms=("SHA-256", "MD5"))


def test_the_example_of_rfc_2617() -> None:
    given_ = {
        "username": "Mufasa",
        "realm": "testrealm@host.com",
        "nonce": "dcd98b7102dd2f0e8b11d0f600bfb0c093",
        "uri": "/dir/index.html",
        "qop": "auth",
        "nc": "00000001",
        "cnonce": "0a4f113b",
    }
    assert digest_response(given_, "MD5", "Circle Of Life", "GET") == "6629fae49393a05397450978507c4ef1"


def test_the_example_of_rfc_7616() -> None:
    given_ = {
        "username": "Mufasa",
        "realm": "http-auth@example.org",
        "nonce": "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
        "uri": "/dir/index.html",
        "qop": "auth",
        "nc": "00000001",
        "cnonce": "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
    }
    expected = "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"
    assert digest_response(given_, "SHA-256", "Circle of Life", "GET") == expected


@pytest.mark.parametrize("offer", [0, 1])
@pytest.mark.parametrize("qop", [True, False])
def test_the_right_password_is_let_in(
    digest_guard: DigestGuard, sign_digest: Callable[..., str], offer: int, qop: bool
) -> None:
    challenge = digest_guard.challenges()[offer]
    assert digest_guard.verify("PLAY", URI, sign_digest(challenge, "PLAY", URI, qop=qop)) == Verdict(True)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"password": "wrong"}, "wrong password"),
        ({"user": "root"}, "wrong user"),
        ({"method": "SETUP"}, "signed for another method"),
        ({"uri": "rtsp://10.0.0.1:554/sub"}, "signed for another stream"),
    ],
)
def test_anything_else_is_refused(
    digest_guard: DigestGuard, sign_digest: Callable[..., str], change: dict[str, str], why: str
) -> None:
    values = {"method": "PLAY", "uri": URI, **change}
    header = sign_digest(digest_guard.challenges()[0], **values)
    assert digest_guard.verify("PLAY", URI, header) == Verdict(False), why


def test_a_nonce_of_another_camera_is_refused(digest_guard: DigestGuard, sign_digest: Callable[..., str]) -> None:
    other = DigestGuard("admin", "s3cret", Now())
    assert not digest_guard.verify("PLAY", URI, sign_digest(other.challenges()[0], "PLAY", URI)).accepted


def test_an_old_nonce_is_stale_for_who_knows_the_password_only(
    digest_guard: DigestGuard, digest_clock: Now, sign_digest: Callable[..., str]
) -> None:
    right = sign_digest(digest_guard.challenges()[0], "PLAY", URI)
    wrong = sign_digest(digest_guard.challenges()[0], "PLAY", URI, password="x")
    digest_clock.time += 301
    assert digest_guard.verify("PLAY", URI, right) == Verdict(False, stale=True)
    assert digest_guard.verify("PLAY", URI, wrong) == Verdict(False)
    assert all("stale=true" in challenge for challenge in digest_guard.challenges(stale=True))


def test_an_algorithm_that_was_not_offered_is_refused(sign_digest: Callable[..., str]) -> None:
    strong = DigestGuard("admin", "s3cret", Now(), algorithms=("SHA-256",))
    weak = strong.challenges()[0].replace("SHA-256", "MD5")
    assert not strong.verify("PLAY", URI, sign_digest(weak, "PLAY", URI)).accepted


def test_quotes_and_escapes_are_undone() -> None:
    assert parse_authorization(r'Digest username="a\"b, c", nc=00000001 , qop = auth') == {
        "username": 'a"b, c',
        "nc": "00000001",
        "qop": "auth",
    }


@given(st.text(max_size=200))
def test_no_header_breaks_the_guard(text: str) -> None:
    guard = DigestGuard("admin", "s3cret", Now())
    assert not guard.verify("PLAY", URI, text).accepted
    assert not guard.verify("PLAY", URI, "Digest " + text).accepted


def test_the_password_is_in_no_representation(digest_guard: DigestGuard) -> None:
    assert "s3cret" not in repr(digest_guard)
