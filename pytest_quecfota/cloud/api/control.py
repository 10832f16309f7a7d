"""The platform's clock: what it shows, and, where it is the service's own, running it fast and stepping it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from ..center import Center
from ..errors import Problem, documented
from .access import TheCenter
from .fields import A_NUMBER, Input, Time, moment

router = APIRouter(prefix="/control", tags=["control"], responses=documented(401, 422))


class ClockIn(Input):
    """How the clock shall run; `speed` in platform seconds per second, `step` in platform seconds forward."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"speed": 60, "step": 7200}]})
    speed: Annotated[float, Field(ge=0, le=1_000_000, allow_inf_nan=False), A_NUMBER] | None = None
    step: Annotated[float, Field(ge=0, le=316_224_000, allow_inf_nan=False), A_NUMBER] | None = None


class Clock(BaseModel):
    """The platform's time."""

    now: Time
    speed: float
    settable: bool


def _shown(center: Center) -> dict[str, object]:
    clock = center.clock
    speed = clock.speed()
    return {"now": moment(clock.now()), "speed": min(speed, 1e9), "settable": clock.settable}


@router.get("/clock", response_model=Clock)
async def show_clock(center: TheCenter) -> object:
    """The platform's time."""
    return _shown(center)


@router.post("/clock", response_model=Clock, responses=documented(409))
async def set_clock(center: TheCenter, wanted: ClockIn) -> object:
    """Changes speed or steps forward."""
    if not center.clock.settable:
        raise Problem(409, "the virtual bench owns this clock; step it there")
    center.clock.set(wanted.speed, wanted.step)
    center.ticking.set()
    return _shown(center)
