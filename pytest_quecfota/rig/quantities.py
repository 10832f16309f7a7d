"""Numbers with a unit, as rig files write them: `0.5`, `"500 ms"`, `"3300 mV"`.

A bare number is in the base unit (seconds, volts, amperes, ohms). The types here are for fields of the schema.
"""

from __future__ import annotations

import math
import re
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from pytest_quecfota.timeline import durations

SECONDS = durations.UNITS
VOLTS = {"mV": 1e-3, "V": 1.0}
AMPERES = {"mA": 1e-3, "A": 1.0}

_WITH_UNIT = re.compile(r"\s*([-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?)\s*([A-Za-zµ]*)\s*")


def parse(value: Any, units: dict[str, float], what: str) -> float:
    """`value` in the base unit of `units`.

    Raises PydanticCustomError (a ValueError) for anything that is no finite number with one of these units.
    """
    if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
        return float(value)
    match = _WITH_UNIT.fullmatch(value) if isinstance(value, str) else None
    if match and (match[2] in units or not match[2]):
        return float(match[1]) * units.get(match[2], 1.0)
    raise PydanticCustomError(
        "quantity",
        "must be {what}: a number, or text with one of the units {units}",
        {
            "what": what,
            "units": ", ".join(units),
        },
    )


def _validator(units: dict[str, float], what: str) -> BeforeValidator:
    def check(value: Any) -> float:
        return parse(value, units, what)

    return BeforeValidator(check)


def _json(units: dict[str, float]) -> WithJsonSchema:
    names = "|".join(units)
    return WithJsonSchema(
        {"anyOf": [{"type": "number"}, {"type": "string", "pattern": rf"^\s*[0-9.eE+-]+\s*({names})?\s*$"}]}
    )


def _no_bool(value: Any) -> Any:
    if isinstance(value, bool):
        raise PydanticCustomError("number", "must be a number, not true or false")
    return value


NO_BOOL = BeforeValidator(_no_bool)
Whole = Annotated[int, NO_BOOL]
Number = Annotated[float, NO_BOOL, Field(allow_inf_nan=False)]
Seconds = Annotated[float, Field(gt=0), _validator(SECONDS, "a duration"), _json(SECONDS)]
Voltage = Annotated[float, Field(ge=0), _validator(VOLTS, "a voltage"), _json(VOLTS)]
Current = Annotated[float, Field(gt=0), _validator(AMPERES, "a current"), _json(AMPERES)]
