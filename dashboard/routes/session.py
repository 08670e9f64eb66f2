"""Login, logout, and who is logged in."""

from __future__ import annotations

import math

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from dashboard.access.guard import COOKIE, Own
from dashboard.accounts import Account, lifetime
from dashboard.dependencies import Deps
from dashboard.errors import RESPONSES, ApiError
from dashboard.messages import Done, Login, Me
from dashboard.policy import GRANTS

router = APIRouter(tags=["session"], responses=RESPONSES)


def address_of(request: Request) -> str:
    """The peer's address; behind a trusted proxy uvicorn has put the browser's there."""
    return request.client.host if request.client is not None else "unknown"


def me_of(account: Account) -> Me:
    """The account as its own page reads it."""
    return Me(
        id=account.id,
        username=account.username,
        display_name=account.display_name,
        role=account.role,
        regions=account.regions,
        screen=account.screen,
        actions=tuple(sorted(GRANTS[account.role])),
    )


def set_session(request: Request, response: Response, account: Account, token: str) -> None:
    """The cookie of a session; scripts never see it, and it lives as long as the session may."""
    response.set_cookie(
        COOKIE,
        token,
        max_age=int(lifetime(account.role).absolute_s),
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
        path="/",
    )


@router.post("/api/login")
def login(body: Login, request: Request, response: Response, deps: Deps) -> Me:
    """Opens a session and sets its cookie. 401 for a wrong pair, 429 with ``Retry-After`` after too many."""
    username, address = body.username.strip(), address_of(request)
    wait_s = deps.guard.wait_s(username, address)
    if wait_s > 0:
        seconds = math.ceil(wait_s)
        raise ApiError(
            429,
            "login_wait",
            "Too many failed logins from here.",
            f"Try again in {seconds} s.",
            detail={"wait_s": float(seconds)},
            headers={"retry-after": str(seconds)},
        )
    deps.guard.charge(username, address)
    account = deps.accounts.authenticate(username, body.password)
    if account is None:
        deps.accounts.record("login.failed", username, address)
        raise ApiError(401, "login_failed", "Username and password do not match an active account.", "Check both.")
    deps.guard.succeeded(username, address)
    token = deps.accounts.open_session(account, address)
    deps.accounts.record("login", account.username, address)
    set_session(request, response, account, token)
    return me_of(account)


@router.post("/api/logout")
async def logout(viewer: Own, request: Request, response: Response, deps: Deps) -> Done:
    """Ends the session; its websockets close."""
    await run_in_threadpool(deps.accounts.close_session, viewer.session)
    deps.watch.end(viewer.session)
    await run_in_threadpool(deps.accounts.record, "logout", viewer.account.username, address_of(request))
    response.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict")
    return Done()


@router.get("/api/me")
def me(viewer: Own) -> Me:
    return me_of(viewer.account)
