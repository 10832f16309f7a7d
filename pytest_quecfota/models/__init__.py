"""What is known of each module model: one YAML file per model, validated when loaded.

Data comes from the YAML files of this package; it goes to `module` (which AT command a verb uses, how long to wait), to
`rig` (supply limits, options that a rig file may override) and to the doctor (which of it nobody has confirmed). The
virtual bench has model data of its own and reads none of this: a wrong number here is found rather than agreed upon.
"""

from __future__ import annotations

from pytest_quecfota.models.catalogue import UnknownModel, load, names
from pytest_quecfota.models.schema import (
    Boot,
    Classic,
    Fact,
    Identity,
    Model,
    Options,
    Pick,
    SupplyLimits,
    Timings,
    Verb,
)

__all__ = [
    "Boot",
    "Classic",
    "Fact",
    "Identity",
    "Model",
    "Options",
    "Pick",
    "SupplyLimits",
    "Timings",
    "UnknownModel",
    "Verb",
    "load",
    "names",
]
