"""The calls of the control API and what they take; whatever touches the bench is handed to the bench's own loop and
awaited.

Imported late and on the outside loop: FastAPI takes a good part of a second. Annotations are real objects here, as
FastAPI reads them.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, Literal, Protocol, TypeVar

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

T = TypeVar("T")


class Knobs(Protocol):
    """What the bench lets a test see and do; all of it runs on the bench's loop."""

    async def truth(self) -> dict[str, Any]:
        """What is the case now."""

    async def radio(self, signal_dbm: float | None, attached: bool | None, loss: float | None) -> dict[str, Any]:
        """Change the air; ValueError for a value out of range."""

    async def line(self, **faults: float | None) -> dict[str, Any]:
        """Change the noise on the serial line; ValueError for a value out of range."""

    async def clock(self, speed: float | str | None, step: float | None) -> dict[str, Any]:
        """Change the clock's speed, then step it; returns when the step is done. ValueError for a value out of range."""

    async def defects(self, names: list[str]) -> dict[str, Any]:
        """Give the module exactly these faults; ValueError for an unknown one."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Air(_Strict):
    """Body of POST /radio; what is left out stays as it is."""

    signal_dbm: float | None = Field(None, ge=-200, le=0)
    attached: bool | None = None
    loss: float | None = Field(None, ge=0, le=1, description="probability that an exchange is lost")


class Noise(_Strict):
    """Body of POST /line; what is left out stays as it is."""

    drop: float | None = Field(None, ge=0, le=1, description="probability that a byte is lost")
    duplicate: float | None = Field(None, ge=0, le=1, description="probability that a message comes twice")
    garbage: float | None = Field(None, ge=0, le=1, description="probability of noise before a message")
    split: int | None = Field(None, ge=0, description="most bytes delivered at a time, 0 for no limit")


class Time(_Strict):
    """Body of POST /clock: module seconds per real second, module seconds to step by."""

    speed: float | Literal["max"] | None = None
    step: float | None = Field(None, ge=0)


class Faults(_Strict):
    """Body of POST /defects."""

    names: list[str]


def build(knobs: Knobs, bench_loop: asyncio.AbstractEventLoop) -> FastAPI:
    """The application."""
    app = FastAPI(title="Virtual bench", openapi_url=None, docs_url=None, redoc_url=None)

    async def on_bench(work: Coroutine[Any, Any, T]) -> T:
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, bench_loop))

    @app.exception_handler(ValueError)
    async def refused(_: object, error: ValueError) -> JSONResponse:
        return _refusal(str(error))

    @app.exception_handler(RequestValidationError)
    async def misread(_: object, error: RequestValidationError) -> JSONResponse:
        return _refusal("; ".join(f"{'.'.join(map(str, each['loc'][1:]))}: {each['msg']}" for each in error.errors()))

    @app.get("/truth")
    async def truth() -> dict[str, Any]:
        return await on_bench(knobs.truth())

    @app.post("/radio")
    async def radio(air: Air) -> dict[str, Any]:
        return await on_bench(knobs.radio(air.signal_dbm, air.attached, air.loss))

    @app.post("/line")
    async def line(noise: Noise) -> dict[str, Any]:
        return await on_bench(knobs.line(**noise.model_dump()))

    @app.post("/clock")
    async def clock(time: Time) -> dict[str, Any]:
        return await on_bench(knobs.clock(time.speed, time.step))

    @app.post("/defects")
    async def defects(faults: Faults) -> dict[str, Any]:
        return await on_bench(knobs.defects(faults.names))

    return app


def _refusal(detail: str) -> JSONResponse:
    problem = {"title": "Refused", "status": 422, "detail": detail}
    return JSONResponse(problem, 422, media_type="application/problem+json")
