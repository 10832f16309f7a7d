"""The modules' side: authentication, connection, messages, offers, reported states, package files.

Our own protocol, JSON over HTTP under `/south/v1`; what the vendor's platform and SDK exchange over MQTT has the same content.
Errors carry as `code` the event code the module prints.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, Field

from . import fleet, tables
from .api.access import TheCenter
from .api.fields import A_NUMBER, Truth
from .center import Center
from .domain.states import Event
from .errors import Problem, documented
from .fileslice import FileSlice
from .live import Session
from .upgrading import DeviceUpgrades

router = APIRouter(prefix="/south/v1", tags=["modules"], responses=documented(401, 403, 422))
NOT_ALLOWED = 10404
LONGEST_WAIT = 60.0
"""Real seconds a poll may wait."""
_D = tables.plan_devices.c
_DUE = sa.select(_D.id).where(_D.dk == sa.bindparam("d"), _D.due == 1)
_BEARER = HTTPBearer(auto_error=False, scheme_name="session", description="what /connect returned")
_STATUSES = {event.value: event for event in Event if isinstance(event.value, int)}
_STATUS = "1 received, 2 confirmed, 3 refused, 4 ready, 5 downloading, 6 download failed, 8 downloaded, 9 updating, "
Version = Annotated[str, Field(max_length=64)]
McuVersions = Annotated[dict[Annotated[str, Field(max_length=100)], Version], Field(max_length=64)]
Amount = Annotated[int, Field(ge=-(2**40), le=2**40), A_NUMBER]


class Readings(BaseModel):
    """What a device measures: per cent, dBm, mV, bytes."""

    battery: Amount | None = None
    signal: Amount | None = None
    voltage_mv: Amount | None = None
    free_space: Amount | None = None


class Reporting(BaseModel):
    """Versions and readings, in every call that matters for an upgrade."""

    module_version: Version | None = None
    mcu_versions: McuVersions | None = None

    def report(self, readings: Readings | None = None) -> fleet.Report:
        """As the platform takes it."""
        known = readings.model_dump(exclude_none=True) if readings else {}
        return fleet.Report(self.module_version, self.mcu_versions, known)


class ReportIn(Reporting):
    """A report outside of an upgrade."""

    status: Readings = Field(default_factory=Readings)


class RequestIn(ReportIn):
    """A request for an upgrade plan."""

    sha256: Truth = False


class Signed(BaseModel):
    """Who calls; the signature is the hex HMAC-SHA256 of key, device and nonce, joined by line feeds."""

    product_key: str = Field(max_length=64)
    device_key: str = Field(max_length=64)
    nonce: str = Field(max_length=128)
    signature: str = Field(max_length=64)


class ConnectIn(Signed, ReportIn):
    """A connection, signed with the device secret."""

    model: str = Field("", max_length=64)


class StatusIn(Reporting):
    """A state of a task."""

    task: str = Field(pattern=r"^[0-9]{1,15}$")
    status: Annotated[int, Field(description=_STATUS + "11 succeeded, 12 failed"), A_NUMBER]
    progress: Amount | None = None
    message: str = Field("", max_length=500)


class Secret(BaseModel):
    """Answer to the first authentication."""

    device_secret: str


class Connected(BaseModel):
    """Answer to a connection."""

    session: str


class Task(BaseModel):
    """One component to be upgraded."""

    task: str
    component: str
    type: str
    source_version: str
    target_version: str
    package_type: str
    min_battery: int
    min_signal: int
    size: int


class Tasks(BaseModel):
    """The tasks of a plan, in plan order; none where there is no plan."""

    tasks: list[Task]


class Messages(BaseModel):
    """What the platform has to say."""

    messages: list[dict[str, Any]]


class Nothing(BaseModel):
    """An answer without content."""


class Firmware(BaseModel):
    """Where to fetch a package file, and what it must be; `crc` is the CRC-32 of zlib."""

    url: str
    name: str
    size: int
    md5: str
    crc: int
    sha256: str
    package_type: str


class Accepted(BaseModel):
    """Answer to a reported state; firmware after a confirmation."""

    firmware: Firmware | None = None
    files: list[Firmware] | None = None


async def connected(
    center: TheCenter, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)]
) -> Session:
    """The session of a call."""
    session = fleet.session_of(center, credentials.credentials if credentials else "")
    session.last_call = time.monotonic()
    return session


async def listening(
    center: TheCenter, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)]
) -> Session:
    """The session of a poll: a device that was sent away is told so there."""
    session = fleet.session_of(center, credentials.credentials if credentials else "", dismissed=True)
    session.last_call = time.monotonic()
    return session


TheSession = Annotated[Session, Depends(connected)]
Listening = Annotated[Session, Depends(listening)]


@router.post("/authenticate", response_model=Secret, responses=documented(400, 409))
async def authenticate(center: TheCenter, who: Signed) -> Any:
    """First authentication of a device, signed with the product secret."""
    secret = fleet.authenticate(center, who.product_key, who.device_key, who.nonce, who.signature)
    return JSONResponse({"device_secret": secret})


@router.post("/connect", response_model=Connected, responses=documented(404))
async def connect(center: TheCenter, who: ConnectIn) -> Any:
    """Opens the session of a device and looks at the versions it comes back with."""
    with center.transaction() as tx:
        row = fleet.admit(tx, who.product_key, who.device_key, who.nonce, who.signature)
        count = row["connections"] + 1
        device = fleet.note(center, tx, row, who.report(who.status), connections=count, model=who.model)
        upgrades = DeviceUpgrades(center, tx, device)
        upgrades.see_versions()
        upgrades.settle_cancellations()
        upgrades.close()
        due = tx.row(_DUE, d=who.device_key) is not None
    session = center.sessions.open(who.product_key, who.device_key, count)
    session.offer_due = due
    return JSONResponse({"session": session.token})


@router.post("/disconnect", status_code=204, response_class=Response)
async def disconnect(center: TheCenter, session: TheSession) -> None:
    """Ends the session."""
    center.sessions.close(session.product_key, session.dk)


@router.get("/messages", response_model=Messages)
async def messages(center: TheCenter, session: Listening, request: Request, wait: float = 0.0) -> Any:
    """Waits up to `wait` real seconds for something to tell the device."""
    if session.cancel_told:
        _settle(center, session)
    session.polls += 1
    session.poll = request
    session.wake()
    try:
        found = await _wait(center, session, request, min(max(wait, 0.0), LONGEST_WAIT))
    finally:
        session.polls -= 1
        session.last_call = time.monotonic()
    return JSONResponse({"messages": found})


async def _wait(center: Center, session: Session, request: Request, seconds: float) -> list[dict[str, Any]]:
    deadline = time.monotonic() + seconds
    gone = asyncio.ensure_future(_gone(request))
    try:
        while session.poll is request and not gone.done():
            session.news.clear()
            if session.offer_due:
                await center.turns.take()
            found = _news(center, session)
            left = deadline - time.monotonic()
            current = center.sessions.by_token(session.token) is session
            if found or left <= 0 or center.stopping.is_set() or not current:
                return found
            news = asyncio.ensure_future(session.news.wait())
            pause = session.answer_due() if session.offer_due else left
            await asyncio.wait({news, gone}, timeout=min(left, pause), return_when=asyncio.FIRST_COMPLETED)
            news.cancel()
    finally:
        gone.cancel()
    return []


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _news(center: Center, session: Session) -> list[dict[str, Any]]:
    if session.dismissed is not None:
        return [{"type": "disconnect", "code": session.dismissed}]
    found: list[dict[str, Any]] = [{"type": "cancel", "task": str(task)} for task in session.cancelled]
    session.cancel_told = bool(found) or session.cancel_told
    session.cancelled = []
    if session.offer_due and not session.answer_due():
        session.offer_due = False
        tasks = _offer(center, session, fleet.Report(), asked=False)
        if tasks:
            found.append({"type": "plan", "tasks": tasks})
    return found


def _settle(center: Center, session: Session) -> None:
    session.cancel_told = False
    with center.transaction() as tx:
        upgrades = DeviceUpgrades(center, tx, fleet.device_of(fleet.known(tx, session)))
        upgrades.settle_cancellations()
        upgrades.close()


def _offer(center: Center, session: Session, report: fleet.Report, *, asked: bool) -> Sequence[dict[str, Any]]:
    with center.transaction() as tx:
        device = fleet.note(center, tx, fleet.known(tx, session), report)
        upgrades = DeviceUpgrades(center, tx, device)
        tasks = upgrades.offer(asked=asked)
        upgrades.close()
    if tasks:
        session.offered(center.clock.now())
    return tasks


@router.post("/ota/request", response_model=Tasks)
async def request_plan(center: TheCenter, session: TheSession, wanted: RequestIn) -> Any:
    """The device asks for an upgrade plan."""
    return JSONResponse({"tasks": _offer(center, session, wanted.report(wanted.status), asked=True)})


@router.post("/ota/status", response_model=Accepted, response_model_exclude_none=True, responses=documented(409))
async def report_status(center: TheCenter, session: TheSession, told: StatusIn) -> Any:
    """The device reports a state of a task; a confirmation is answered with the package file."""
    event = _STATUSES.get(told.status)
    if event is None:
        raise Problem(422, f"status {told.status} is none of {sorted(_STATUSES)}")
    session.unanswered_since = None
    with center.transaction() as tx:
        device = fleet.note(center, tx, fleet.known(tx, session), told.report())
        upgrades = DeviceUpgrades(center, tx, device)
        outcome = upgrades.status(int(told.task), event, told.progress, told.message)
        upgrades.see_versions()
        upgrades.close()
        answer = {} if outcome.package is None else _firmware(tx, outcome.package)
    if outcome.refusal is not None:
        raise Problem(409, outcome.refusal, code=NOT_ALLOWED)
    return JSONResponse(answer)


def _firmware(tx: Any, package: int) -> dict[str, Any]:
    row = tx.row(sa.select(tables.packages).where(tables.packages.c.id == package))
    files = [
        {**file, "url": f"{router.prefix}/files/{file['sha256']}", "package_type": row["package_type"]}
        for file in row["files"]
    ]
    return {"firmware": files[0], **({"files": files} if len(files) > 1 else {})}


@router.post("/report", response_model=Nothing)
async def report(center: TheCenter, session: TheSession, told: ReportIn) -> Any:
    """The device reports versions or readings."""
    with center.transaction() as tx:
        device = fleet.note(center, tx, fleet.known(tx, session), told.report(told.status))
        upgrades = DeviceUpgrades(center, tx, device)
        upgrades.see_versions()
        upgrades.close()
    return JSONResponse({})


@router.get(
    "/files/{digest}",
    response_class=Response,
    responses={
        200: {"content": {"application/octet-stream": {}}, "description": "the file"},
        206: {"content": {"application/octet-stream": {}}, "description": "the wanted part"},
        304: {"description": "the file is the one the client has"},
        **documented(404, 416),
    },
)
async def fetch_file(center: TheCenter, session: TheSession, digest: str, request: Request) -> Response:  # noqa: ARG001
    """A package file or, by `Range`, a part of it; the ETag is its SHA-256."""
    return FileSlice.answering(request, center.files.path(digest) if digest.isalnum() else None, digest)
