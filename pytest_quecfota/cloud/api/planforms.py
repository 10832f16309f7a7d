"""What callers send to make or change a plan."""

from __future__ import annotations

import datetime
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, StringConstraints, field_validator, model_validator

from ..domain import rules
from ..domain.windows import PERIOD_PATTERN, hours, zone
from .fields import A_NUMBER, DeviceKey, Id, Identifier, Input, Moment, Name, ProductKey, Truth, Version

Period = Annotated[str, StringConstraints(pattern=PERIOD_PATTERN)]
Text = Annotated[str, StringConstraints(max_length=2000)]
Zone = Annotated[str, Field(min_length=1, max_length=64, examples=["UTC", "+08:00", "Asia/Shanghai"])]
EXAMPLE: dict[str, Any] = {
    "name": "meters to V2",
    "product_key": "p1a2b3c4",
    "mode": "silent",
    "whitelist": ["866123450000017"],
    "time_zone": "Asia/Shanghai",
    "push_period": "00:00-24:00",
    "strategy": {"retries": 5, "min_signal": -113, "min_battery": 30},
    "components": [{"identifier": "BC25", "package": "1", "package_type": "full"}],
}


class StrategyIn(Input):
    """Conditions of an upgrade: dBm, per cent, and how often a failure is tried again.

    Signal and battery travel in the offer and the device decides; with `platform_filter` the platform already keeps the
    offer back from devices that reported less.
    """

    retries: Annotated[int, Field(ge=0, le=5), A_NUMBER] = 5
    min_signal: Annotated[int, Field(ge=-113, le=0), A_NUMBER] = -113
    min_battery: Annotated[int, Field(ge=0, le=100), A_NUMBER] = 30
    platform_filter: Truth = False


class TextsIn(Input):
    """What the App shows its user; for user-confirmed plans."""

    zh: Text = ""
    en: Text = ""


class PlanComponentIn(Input):
    """A component to be upgraded; what is left out comes from the package, which may be left out if just one fits."""

    identifier: Identifier
    type: Literal["module", "mcu"] | None = None
    package: Id | None = None
    package_type: Literal["full", "delta"] | None = None
    target_version: Version | None = None
    source_version: Version | Literal[""] | None = None
    specified_versions: list[Version] = Field(default_factory=list, max_length=rules.SPECIFIED_VERSIONS)

    @field_validator("specified_versions", mode="before")
    @classmethod
    def _separated(cls, value: Any) -> Any:
        if isinstance(value, str):
            return [version.strip() for version in value.split(";") if version.strip()]
        return [] if value is None else value


Components = Annotated[list[PlanComponentIn], Field(min_length=1, max_length=20)]
Devices = Annotated[list[DeviceKey], Field(max_length=rules.LIST_LENGTH)]
Mode = Literal["silent", "user-confirmed"]
Rejection = Annotated[int, Field(ge=10, le=1440), A_NUMBER]


class PlanIn(Input):
    """A new plan; times without an offset are in the plan's time zone."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})
    name: Name
    product_key: ProductKey
    components: Components
    mode: Mode = "silent"
    whitelist: Devices = Field(default_factory=list)
    blacklist: Devices = Field(default_factory=list)
    time_zone: Zone = "UTC"
    start: Moment | None = None
    end: Moment | None = None
    push_actively: Truth = True
    push_period: Period = "00:00-24:00"
    rejection_minutes: Rejection = 120
    strategy: StrategyIn = StrategyIn()
    texts: TextsIn = TextsIn()

    @field_validator("time_zone")
    @classmethod
    def _zone(cls, value: str) -> str:
        zone(value)
        return value

    @field_validator("push_period")
    @classmethod
    def _hours(cls, value: str) -> str:
        hours(value)
        return value

    @field_validator("start", "end")
    @classmethod
    def _sensible(cls, value: datetime.datetime | None) -> datetime.datetime | None:
        if value is not None and not 2000 <= value.year <= 2200:
            raise ValueError("the year must be between 2000 and 2200")
        return value

    @model_validator(mode="after")
    def _delta(self) -> PlanIn:
        for component in self.components:
            if component.specified_versions and component.package_type == "delta":
                raise ValueError("specified_versions are for full packages only")
        return self


class PlanPatch(Input):
    """The fields of a plan that shall change."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"rejection_minutes": 60}]})
    name: Name | None = None
    product_key: ProductKey | None = None
    components: Components | None = None
    mode: Mode | None = None
    whitelist: Devices | None = None
    blacklist: Devices | None = None
    time_zone: Zone | None = None
    start: Moment | None = None
    end: Moment | None = None
    push_actively: Truth | None = None
    push_period: Period | None = None
    rejection_minutes: Rejection | None = None
    strategy: StrategyIn | None = None
    texts: TextsIn | None = None
