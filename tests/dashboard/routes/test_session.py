"""Login, logout and what protects them."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from dashboard.policy import Role


def code(response: httpx.Response) -> str:
    body: dict[str, Any] = response.json()
    assert set(body["error"]) >= {"code", "message", "action"}
    found: str = body["error"]["code"]
    return found


def test_a_session_from_login_to_logout(wall: Any) -> None:
    client = wall.client(Role.OPERATOR, ("east",))
    me = client.get("/api/me").json()
    assert me["role"] == "operator"
    assert me["regions"] == ["east"]
    assert "alarm.acknowledge" in me["actions"]
    assert "metrics.read" not in me["actions"]
    assert client.post("/api/logout").json() == {"status": "ok"}
    assert "xl_session" not in client.cookies
    refused = client.get("/api/me")
    assert (refused.status_code, code(refused)) == (401, "not_logged_in")


def test_the_cookie_is_out_of_reach_and_the_token_is_not_stored(wall: Any) -> None:
    wall.accounts.add("ann", "long enough pass", Role.OPERATOR, ("*",))
    client = wall.client(login=False)
    response = client.post("/api/login", json={"username": "ann", "password": "long enough pass"})
    cookie = response.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert "secure" not in cookie
    behind_https = {"x-forwarded-proto": "https"}
    again = client.post("/api/login", json={"username": "ann", "password": "long enough pass"}, headers=behind_https)
    assert "secure" in again.headers["set-cookie"].lower()
    assert wall.accounts.session(client.cookies["xl_session"]) is None


def test_the_logged_out_cookie_is_worth_nothing(wall: Any) -> None:
    client = wall.client()
    stolen = client.cookies["xl_session"]
    client.post("/api/logout")
    assert httpx.get(f"{wall.url}/api/me", cookies={"xl_session": stolen}).status_code == 401


def test_guessing_is_slowed_and_leaves_a_trace(wall: Any) -> None:
    wall.accounts.add("bob", "long enough pass", Role.OPERATOR, ("*",))
    client = wall.client(login=False)
    answers = [client.post("/api/login", json={"username": "bob", "password": "wrong"}) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [401, 401, 401, 429]
    assert code(answers[0]) == "login_failed"
    assert int(answers[3].headers["retry-after"]) >= 1
    right = client.post("/api/login", json={"username": "bob", "password": "long enough pass"})
    assert right.status_code == 429
    actions = [(entry.action, entry.username, entry.address) for entry in wall.accounts.audit_log()]
    assert actions.count(("login.failed", "bob", "127.0.0.1")) == 3


def test_an_unknown_user_looks_like_a_wrong_password(wall: Any) -> None:
    wall.accounts.add("carol", "long enough pass", Role.OPERATOR, ("*",))
    client = wall.client(login=False)
    answers = [client.post("/api/login", json={"username": name, "password": "x"}) for name in ("carol", "nobody")]
    assert answers[0].content == answers[1].content


def test_a_disabled_account_is_out_at_once(wall: Any) -> None:
    client = wall.client()
    username = client.get("/api/me").json()["username"]
    wall.accounts.set_disabled(username, disabled=True)
    assert client.get("/api/me").status_code == 401


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1"])
def test_another_sites_page_cannot_act(wall: Any, origin: str) -> None:
    client = wall.client()
    refused = client.post("/api/rotation/next", headers={"Origin": origin})
    assert (refused.status_code, code(refused)) == (403, "cross_site")
    assert client.post("/api/logout", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert client.get("/api/me").status_code == 200


def test_every_reply_carries_the_security_headers(wall: Any) -> None:
    client = wall.client(login=False)
    for path in ("/healthz", "/api/me", "/", "/api/nothing"):
        headers = client.get(path).headers
        assert "frame-ancestors 'none'" in headers["content-security-policy"], path
        assert headers["x-content-type-options"] == "nosniff"
    assert client.get("/api/me").headers["cache-control"] == "no-store"


def test_errors_have_one_shape(wall: Any) -> None:
    client = wall.client()
    assert code(client.post("/api/login", json={"username": 1})) == "invalid"
    assert code(client.get("/api/nothing")) == "not_found"
    assert code(client.get("/api/events?limit=0")) == "invalid"
    assert code(client.delete("/api/me")) == "method_not_allowed"
