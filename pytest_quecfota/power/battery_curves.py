"""Battery chemistries as data: what a cell gives at rest, how its resistance grows, when its protection opens.

One YAML per chemistry in `batteries/`, or a user's own file or object. Every number says where it was read and whether anybody
can look it up there (`confirmed`) or it is from memory (`remembered`). Charges are shares of 1, all else has its unit in the name.
"""

from __future__ import annotations

import bisect
import difflib
import functools
import itertools
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

FOLDER = Path(__file__).parent / "batteries"

Point = tuple[float, float]


class _Data(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class _Sourced(_Data):
    """A number of which is known where it is from."""

    mark: Literal["confirmed", "remembered"]
    source: Annotated[str, Field(min_length=1)]


def _over_all_charges(points: tuple[Point, ...]) -> tuple[Point, ...]:
    charges = [charge for charge, _ in points]
    if not charges or charges[0] != 0 or charges[-1] != 1:
        raise ValueError("goes from charge 0 to charge 1")
    if any(low >= high for low, high in itertools.pairwise(charges)):
        raise ValueError("has charges that rise from point to point")
    if any(not value > 0 for _, value in points):
        raise ValueError("has values above 0")
    return points


Points = Annotated[tuple[Point, ...], Field(min_length=2), AfterValidator(_over_all_charges)]


class Voltages(_Sourced):
    """Volts at rest over charge; never falling as the charge rises."""

    points: Points

    @model_validator(mode="after")
    def _rising(self) -> Voltages:
        if any(low > high for (_, low), (_, high) in itertools.pairwise(self.points)):
            raise ValueError("has volts that never fall as the charge rises")
        return self


class Factors(_Sourced):
    """How many times the internal resistance, over charge; never rising as the charge rises."""

    points: Points

    @model_validator(mode="after")
    def _falling(self) -> Factors:
        if any(low < high for (_, low), (_, high) in itertools.pairwise(self.points)):
            raise ValueError("has a resistance that never rises with the charge")
        return self


class Ohms(_Sourced):
    """An internal resistance."""

    ohms: Annotated[float, Field(ge=0)]


class Slow(_Sourced):
    """The share of the internal resistance that acts only after a while, and its time constant."""

    share: Annotated[float, Field(ge=0, le=1)]
    seconds: Annotated[float, Field(gt=0)]


class Capacity(_Sourced):
    """The charge of a full cell."""

    ampere_hours: Annotated[float, Field(gt=0)]


class CutOff(_Sourced):
    """The voltage at which the protection circuit opens, or the cell counts as empty."""

    volts: Annotated[float, Field(ge=0)]


class Curve(_Data):
    """One chemistry.

    Args:
        open_circuit: volts at rest over charge.
        resistance: how many times `internal_resistance`, over charge.
        slow: what part of the sag comes and goes slowly.
    """

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,40}$")]
    title: str = ""
    open_circuit: Voltages
    resistance: Factors
    internal_resistance: Ohms
    slow: Slow | None = None
    capacity: Capacity
    cut_off: CutOff

    @model_validator(mode="after")
    def _usable(self) -> Curve:
        if self.cut_off.volts >= self.full:
            raise ValueError(f"cut_off: {self.cut_off.volts} V is not below the {self.full} V of a full cell")
        return self

    @property
    def full(self) -> float:
        """Volts at rest of a full cell."""
        return self.open_circuit.points[-1][1]

    @property
    def empty(self) -> float:
        """Volts at rest of an empty cell."""
        return self.open_circuit.points[0][1]

    def voltage(self, charge: float) -> float:
        """Volts at rest at a charge from 0 to 1."""
        return between(self.open_circuit.points, charge)

    def factor(self, charge: float) -> float:
        """How many times the internal resistance at a charge from 0 to 1."""
        return between(self.resistance.points, charge)

    def charge_at(self, volts: float) -> float:
        """The charge at which it rests at so many volts; 0 or 1 beyond its ends."""
        return between([(level, charge) for charge, level in self.open_circuit.points], volts)

    def remembered(self) -> list[str]:
        """What of it is from memory only, a line each."""
        parts = {name: getattr(self, name) for name in type(self).model_fields}
        marked = {name: part for name, part in parts.items() if isinstance(part, _Sourced)}
        return [f"{name}: {part.source}" for name, part in marked.items() if part.mark == "remembered"]


def between(points: Sequence[Point], place: float) -> float:
    """The value at `place` on straight lines through `points`; the end points' beyond them."""
    places = [at for at, _ in points]
    right = bisect.bisect_right(places, place)
    if right == 0:
        return points[0][1]
    if right == len(points):
        return points[-1][1]
    (low, at_low), (high, at_high) = points[right - 1], points[right]
    return at_low + (at_high - at_low) * (place - low) / (high - low)


def curve_names() -> list[str]:
    """The chemistries that are shipped."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def load_curve(chemistry: str | Path | Curve) -> Curve:
    """A chemistry by its name (`li-ion`, also spelt `Li-ion` or `LiIon`), from a YAML file of your own, or as it is.

    Raises:
        ValueError: no such chemistry or file, or what the file says cannot be used; the text says why.
    """
    if isinstance(chemistry, Curve):
        return chemistry
    if isinstance(chemistry, Path) or chemistry.endswith((".yaml", ".yml")):
        return _read(Path(chemistry))
    names = {_bare(name): name for name in curve_names()}
    found = names.get(_bare(chemistry))
    if found is None:
        near = difflib.get_close_matches(_bare(chemistry), names, n=1)
        hint = f"; did you mean {names[near[0]]!r}?" if near else ""
        raise ValueError(
            f"no battery chemistry {chemistry!r}{hint} There are: {', '.join(names.values())}, or a YAML file of your own"
        )
    return _shipped(found)


def suitable_curve(least: float, most: float) -> Curve:
    """The shipped chemistry that covers most of the range from `least` to `most` volts without going above it."""
    curves = [load_curve(name) for name in curve_names()]
    fitting = [curve for curve in curves if curve.full <= most] or [min(curves, key=lambda curve: curve.full)]
    return max(fitting, key=lambda curve: curve.full - max(least, curve.empty))


def ampere_hours(value: float | str) -> float:
    """A capacity in Ah: a number, or text such as "500 mAh" or "2.4 Ah". Raises ValueError for anything else."""
    found = re.fullmatch(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*(mAh|Ah)\s*", value) if isinstance(value, str) else None
    if found is not None:
        value = float(found[1]) * (0.001 if found[2] == "mAh" else 1)
    if isinstance(value, (str, bool)) or not 0 < value < float("inf"):
        raise ValueError(f"a capacity is a number of ampere-hours above 0 or text such as '500 mAh', not {value!r}")
    return float(value)


@functools.cache
def _shipped(name: str) -> Curve:
    return _read(FOLDER / f"{name}.yaml")


def _bare(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _read(path: Path) -> Curve:
    try:
        found: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
        return Curve.model_validate(found)
    except OSError as error:
        raise ValueError(f"battery curve {path}: {error.strerror}") from None
    except yaml.YAMLError as error:
        raise ValueError(f"battery curve {path} is no YAML: {error}") from None
    except ValidationError as error:
        told = [f"{'.'.join(map(str, each['loc'])) or 'file'}: {each['msg']}" for each in error.errors()]
        raise ValueError(f"battery curve {path}: {'; '.join(told)}") from None
