"""Which waveforms there are by name: families named by what they do, those shipped as data, and those of a rig.

* `cut-500ms`: no voltage for half a second;
* `dip-2.4V-100ms`: down to a level and back;
* `ramp-2s`: evenly down to nothing and up again, each way that long;
* `steps-1s`: from the nominal voltage down in steps of 5 %, each held that long and followed by the nominal voltage as long: a
  reset profile;
* any name or alias in `waveforms/*.yaml` of this package;
* any name in the `waveforms/*.yaml` beside the rig file.
"""

from __future__ import annotations

import difflib
import functools
import re
from collections.abc import Callable
from pathlib import Path

from pytest_quecfota.power.waveform import Level, Ramp, Segment, Waveform
from pytest_quecfota.power.waveform_files import Definition, read
from pytest_quecfota.power.waveform_scale import Scale
from pytest_quecfota.timeline import seconds

FOLDER = Path(__file__).parent / "waveforms"
RESET_STEPS = 20  # levels of the family `steps`: 5 % each
FAMILY_NAMES = "cut-500ms, dip-2.4V-100ms, ramp-2s, steps-1s"

_NAME = re.compile(
    r"(?P<family>[a-z]+)(?:-(?P<level>\d+(?:\.\d+)?)V)?-(?P<time>\d+(?:\.\d+)?(?:ms|s|min))", re.IGNORECASE
)


class Catalogue:
    """The waveforms that are shipped and those of the files in `folder`, which may be missing.

    Own files are read when they are first needed; what is wrong in them is a ValueError with file and line.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder

    @functools.cached_property
    def _by_name(self) -> dict[str, Definition]:
        named = dict(_shipped())
        if self.folder is not None and self.folder.is_dir():
            _enter(named, self.folder)
        return named

    def definitions(self) -> list[Definition]:
        """Every waveform once, by its own name."""
        return sorted({id(each): each for each in self._by_name.values()}.values(), key=lambda each: each.name)

    def names(self) -> list[str]:
        """All names and aliases."""
        return sorted([name for each in self.definitions() for name in (each.name, *each.aliases)])

    def find(self, name: str | Waveform, scale: Scale) -> Waveform:
        """The waveform of that name on a rail; one that is made already stays as it is.

        Raises:
            ValueError: there is none; the text names near ones and says how they are named.
        """
        if isinstance(name, Waveform):
            return name
        if not isinstance(name, str):
            raise TypeError(f"a waveform is a name or a Waveform, not {name!r}")
        made = _of_family(name, scale.nominal)
        if made is not None:
            return made
        definition = _shipped().get(name.lower()) or self._by_name.get(name.lower())
        if definition is None:
            near = difflib.get_close_matches(name.lower(), self._by_name, n=2, cutoff=0.6)
            spelt = [known for known in self.names() if known.lower() in near]
            hint = f"; did you mean {' or '.join(spelt)}?" if spelt else ""
            raise ValueError(
                f"no waveform {name!r}{hint} They are named like {FAMILY_NAMES}, or as `quecfota waveform` lists them"
            )
        return definition.on(scale)


@functools.cache
def _shipped() -> dict[str, Definition]:
    named: dict[str, Definition] = {}
    _enter(named, FOLDER)
    return named


def _enter(named: dict[str, Definition], folder: Path) -> None:
    """Read a folder's files; a name that is taken already is an error."""
    for path in sorted([*folder.glob("*.yaml"), *folder.glob("*.yml")]):
        for definition in read(path):
            for name in (definition.name, *definition.aliases):
                taken = named.setdefault(name.lower(), definition)
                if taken is not definition:
                    raise ValueError(f"{definition.place}: {name} is taken: it stands in {taken.place}")


def _of_family(name: str, nominal: float) -> Waveform | None:
    """The waveform of a name such as `cut-500ms`; None where it is none of these."""
    found = _NAME.fullmatch(name)
    family = FAMILIES.get(found["family"].lower()) if found is not None else None
    if found is None or family is None:
        return None
    level = float(found["level"]) if found["level"] else None
    spelt = re.sub(r"([\d.]+)", r"\1 ", found["time"].lower()).strip()
    return Waveform(name, tuple(family(nominal, level, seconds(spelt))))


def _cut(_nominal: float, _level: float | None, time: float) -> list[Segment]:
    return [Level(0.0, time, open=True)]


def _dip(_nominal: float, level: float | None, time: float) -> list[Segment]:
    if level is None:
        raise ValueError("a dip needs its level: dip-2.4V-100ms")
    return [Level(level, time)]


def _ramp(nominal: float, _level: float | None, time: float) -> list[Segment]:
    return [Ramp(nominal, 0.0, time), Ramp(0.0, nominal, time)]


def _steps(nominal: float, _level: float | None, time: float) -> list[Segment]:
    rows = [
        (Level(round(nominal * (1 - k / RESET_STEPS), 4), time), Level(nominal, time))
        for k in range(1, RESET_STEPS + 1)
    ]
    return [level for row in rows for level in row]


FAMILIES: dict[str, Callable[[float, float | None, float], list[Segment]]] = {
    "cut": _cut,
    "dip": _dip,
    "ramp": _ramp,
    "steps": _steps,
}
