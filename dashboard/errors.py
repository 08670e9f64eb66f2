"""Errors as the page reads them: ``{"error": {"code", "message", "action"}}``, whatever went wrong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict
from sqlalchemy.exc import DBAPIError, OperationalError
from starlette.exceptions import HTTPException

log = structlog.get_logger(__name__)


class ErrorBody(BaseModel):
    """``code`` is for programs, ``message`` says what failed and where, ``action`` what to do."""

    model_config = ConfigDict(frozen=True)

    code: str
    message: str
    action: str
    detail: dict[str, str | float | None] | None = None


class ErrorReply(BaseModel):
    """Body of every reply that is not a success."""

    model_config = ConfigDict(frozen=True)

    error: ErrorBody


class ApiError(Exception):
    """A refusal or failure with its HTTP status. ``detail`` carries values that a page shows (who, when)."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        action: str,
        *,
        detail: dict[str, str | float | None] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.body = ErrorBody(code=code, message=message, action=action, detail=detail)
        self.headers = dict(headers or {})


class BusAway(Exception):
    """The Redis server did not answer. Carries no address."""


def not_found(what: str) -> ApiError:
    return ApiError(404, "not_found", f"There is no {what} that this account can see.", "Go back and choose another.")


def store_away() -> ApiError:
    return ApiError(
        503, "store_away", "The event store does not answer.", "Try again shortly; if it lasts, call the administrator."
    )


def bus_away() -> ApiError:
    return ApiError(
        503, "redis_away", "The event bus (Redis) does not answer.", "It is being restarted; try again in a moment."
    )


def reply(error: ApiError) -> JSONResponse:
    """The error as a response."""
    content = ErrorReply(error=error.body).model_dump(mode="json")
    return JSONResponse(content, status_code=error.status, headers=error.headers)


_STATUS = {
    404: ("not_found", "There is nothing at this address.", "Check the address."),
    405: ("method_not_allowed", "This address does not take this method.", "Check the API's description."),
    413: ("too_large", "The request is too large.", "Send less."),
}

RESPONSES: dict[int | str, dict[str, Any]] = {
    status: {"model": ErrorReply} for status in (401, 403, 404, 409, 422, 429, 503)
}
"""For the API's description: what a route may answer besides its own model."""


def install(app: FastAPI) -> None:
    """Registers one handler a kind of failure; an unforeseen one is logged and told as such, without its text."""

    @app.exception_handler(ApiError)
    async def api_error(_: Request, error: ApiError) -> JSONResponse:
        return reply(error)

    @app.exception_handler(BusAway)
    async def away(_: Request, __: BusAway) -> JSONResponse:
        return reply(bus_away())

    @app.exception_handler(DBAPIError)
    async def store(_: Request, error: DBAPIError) -> JSONResponse:
        log.error("store_failed", kind=type(error).__name__, cause=type(error.orig).__name__)
        if isinstance(error, OperationalError) or error.connection_invalidated:
            return reply(store_away())
        return reply(unforeseen())

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        faults = "; ".join(
            f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}" for fault in error.errors()
        )
        return reply(ApiError(422, "invalid", faults, "Correct the named fields."))

    @app.exception_handler(HTTPException)
    async def http(_: Request, error: HTTPException) -> JSONResponse:
        code, message, action = _STATUS.get(error.status_code, ("http_error", "The request failed.", "Try again."))
        return reply(ApiError(error.status_code, code, message, action, headers=error.headers))

    @app.exception_handler(Exception)
    async def failed(request: Request, error: Exception) -> JSONResponse:
        log.error("request_failed", path=request.url.path, kind=type(error).__name__)
        return reply(unforeseen())


def unforeseen() -> ApiError:
    return ApiError(500, "failed", "The server made a mistake; it is in its log.", "Try again; then tell the engineer.")
