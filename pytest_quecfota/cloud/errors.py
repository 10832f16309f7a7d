"""Errors as `application/problem+json` (RFC 9457): the exception, the handlers, and how OpenAPI describes them."""

from __future__ import annotations

import errno
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import OperationalError
from starlette.exceptions import HTTPException

MEDIA_TYPE = "application/problem+json"
NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS})


class Problem(Exception):
    """A call that cannot be done; `detail` says why and what would be right.

    `code` is the event code a module prints (southbound only), `fields` more members of the answer.
    """

    def __init__(self, status: int, detail: str, *, code: int | None = None, **fields: Any) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.fields: dict[str, Any] = fields if code is None else {"code": code, **fields}


def not_found(what: str, name: object) -> Problem:
    """404 with the name that was not found."""
    return Problem(404, f"there is no {what} {str(name)!r}")


def answer(status: int, detail: str, headers: Mapping[str, str] | None = None, **fields: Any) -> JSONResponse:
    """A problem as a response."""
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail, **fields}
    return JSONResponse(body, status, media_type=MEDIA_TYPE, headers=dict(headers or {}))


def _problem(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Problem)
    headers = {"WWW-Authenticate": "Bearer"} if error.status == 401 else None
    return answer(error.status, error.detail, headers, **error.fields)


def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    if error.status_code == 400:  # FastAPI's word for a body that is no JSON
        return answer(422, "the body is not JSON in UTF-8")
    if error.status_code == 405:
        from .openapi import methods

        return answer(
            405, "this path knows other methods", {"Allow": ", ".join(methods(request.app, request.url.path))}
        )
    return answer(error.status_code, str(error.detail), error.headers)


def _validation(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    problems = [
        {"where": ".".join(str(part) for part in e["loc"]), "message": str(e["msg"])} for e in error.errors()[:20]
    ]
    detail = "; ".join(f"{p['where']}: {p['message']}" for p in problems)
    return answer(422, detail, errors=problems)


def _failed(_: Request, error: Exception) -> JSONResponse:
    """A disk that is full is no fault of the program; whatever else the system refuses is."""
    cause = getattr(error, "orig", error)
    if getattr(cause, "errno", None) in NO_SPACE or "disk is full" in str(cause) or "disk I/O error" in str(cause):
        return answer(507, "the disk of the Developer Center is full, or may not be written to")
    raise error


def install(app: FastAPI) -> None:
    """Makes every error of the application a problem."""
    app.add_exception_handler(OSError, _failed)
    app.add_exception_handler(OperationalError, _failed)
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _validation)


SCHEMA: dict[str, Any] = {
    "type": "object",
    "title": "Problem",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "integer", "description": "event code, southbound only"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"where": {"type": "string"}, "message": {"type": "string"}},
            },
        },
    },
    "example": {"type": "about:blank", "title": "Not Found", "status": 404, "detail": "there is no plan '7'"},
}


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """`responses` of a route that may answer with these problems."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"description": HTTPStatus(status).phrase, "content": content} for status in statuses}
