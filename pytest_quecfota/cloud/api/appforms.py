"""What the App sends and gets; names and codes are those of the app SDK's documentation (OTAServiceEnduserAPI)."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from .fields import A_NUMBER, Truth

Milliseconds = Annotated[int, Field(ge=0, le=10**14), A_NUMBER]
UPGRADE_NOW, APPOINT, CANCEL, RETRY = 1, 2, 3, 5
"""What a user may want of an upgrade (`operType`)."""
_EXAMPLE: dict[str, Any] = {"pk": "p1a2b3c4", "dk": "866123450000017", "planId": "1"}


class DeviceIn(BaseModel):
    """A device, and one of its plans."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})
    pk: str
    dk: str
    planId: str | Annotated[int, A_NUMBER] | None = None


class ConfirmIn(DeviceIn):
    """What the user wants: 1 upgrade now, 2 by appointment (times in ms), 3 cancel, 5 retry."""

    model_config = ConfigDict(json_schema_extra={"examples": [{**_EXAMPLE, "operType": 1}]})
    operType: Annotated[Literal[1, 2, 3, 5], A_NUMBER]
    appointStartTime: Milliseconds | None = None
    appointEndTime: Milliseconds | None = None


class SwitchIn(BaseModel):
    """Whether a device takes user-confirmed plans by itself, in the confirmation period of each."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"pk": "p1a2b3c4", "dk": "866123450000017", "autoUpgrade": True}]}
    )
    pk: str
    dk: str
    autoUpgrade: Truth


In = TypeVar("In", bound=DeviceIn)
Batch = Annotated[list[In], Field(max_length=1000)]
"""Devices of one call."""


class Answer(BaseModel):
    """The envelope of every answer."""

    code: int
    msg: str
    data: Any


def answer(data: Any) -> dict[str, Any]:
    """An answer that says it was done."""
    return {"code": 200, "msg": "", "data": data}
