"""Who may call: the token for people, checked for every route but the page, the schema and the modules' own side."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from ..center import Center
from ..errors import Problem

_BEARER = HTTPBearer(auto_error=False, scheme_name="token", description="the token printed at start")


async def center_of(request: Request) -> Center:
    """The Developer Center behind the application."""
    center: Center = request.app.state.center
    return center


TheCenter = Annotated[Center, Depends(center_of)]


async def person(
    center: TheCenter, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)]
) -> None:
    """Refuses a call without a valid token."""
    if credentials is None:
        raise Problem(401, "a token is needed: Authorization: Bearer <token>")
    if not center.admits(credentials.credentials):
        raise Problem(401, "this token is not valid")
