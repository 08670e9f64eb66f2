"""Where a camera may stand: a name is judged by all of its addresses, and the server's own are no cameras."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from dashboard.setup.networks import Place, place


@pytest.mark.parametrize(
    ("host", "addresses", "networks", "want", "why"),
    [
        ("10.0.0.5", ["10.0.0.5"], (), None, "cameras stand in private networks"),
        ("cam.example", ["198.51.100.7"], (), None, "or far away"),
        ("127.0.0.1", ["127.0.0.1"], (), "127.0.0.1", "this machine is no camera"),
        ("localhost", ["::1"], (), "::1", "by whatever name"),
        ("0.0.0.0", ["0.0.0.0"], (), "0.0.0.0", "which Linux takes for this machine"),
        ("[::ffff:127.0.0.1]", ["::ffff:127.0.0.1"], (), "127.0.0.1", "or in IPv6's clothes"),
        ("169.254.169.254", ["169.254.169.254"], (), "169.254.169.254", "where clouds keep their keys"),
        ("two.example", ["10.0.0.5", "127.0.0.1"], (), "127.0.0.1", "one good address excuses no other"),
        ("10.0.0.5", ["10.0.0.5"], ("10.0.0.0/24",), None, "listed"),
        ("10.0.1.5", ["10.0.1.5"], ("10.0.0.0/24",), "10.0.1.5", "not listed"),
        ("127.0.0.1", ["127.0.0.1"], ("127.0.0.0/8",), None, "listed, as the demo's are"),
        ("fd00::1", ["fd00::1"], ("10.0.0.0/8",), "fd00::1", "another family"),
    ],
)
def test_where_a_camera_may_stand(
    host: str, addresses: Sequence[str], networks: Sequence[str], want: str | None, why: str
) -> None:
    url = f"rtsp://[{host}]/x" if ":" in host and not host.startswith("[") else f"rtsp://{host}:554/x"
    assert place(url, networks, lambda _: addresses) == Place(addresses[0], want), why


def test_a_name_that_nobody_knows_is_told_by_opening_it() -> None:
    def unknown(_: str) -> Sequence[str]:
        raise OSError

    assert place("rtsp://no.such.example/x", (), unknown) == Place(None, None)
