"""The part of a rig file that says which Developer Center the module talks to."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, SecretStr
from pydantic.json_schema import SkipJsonSchema

from pytest_quecfota.rig.quantities import Whole
from pytest_quecfota.rig.section import Percent, Section

Url = Annotated[str, Field(pattern=r"^https?://[^\s/]+", examples=["http://127.0.0.1:8080"])]
Version = Annotated[str, Field(min_length=1, max_length=64)]
ComponentName = Annotated[str, Field(min_length=1, max_length=100)]


class PreparedPlan(Section):
    """A plan that a person made in the real Developer Center and activated; what its offer must say.

    Numbers left out are not judged. An empty `source_version` means that the package is a full one.
    """

    component: ComponentName
    package_type: Literal["full", "delta"]
    source_version: Annotated[str, Field(max_length=64)] = ""
    target_version: Version
    min_battery: Percent | None = None
    min_signal: Annotated[Whole | None, Field(ge=-150, le=0, examples=[-113])] = None
    size: Annotated[Whole | None, Field(gt=0, examples=[2563])] = None


class Embedded(Section):
    """The Developer Center in the box: starts with the virtual bench, which fills address and token in."""

    kind: Literal["embedded"] = "embedded"
    url: SkipJsonSchema[str | None] = None
    token: SkipJsonSchema[SecretStr | None] = None


class Http(Section):
    """A running `quecfota cloud`."""

    kind: Literal["http"]
    url: Url
    token: SecretStr


class Manual(Section):
    """The real cloud, in which a person prepares and activates the plans."""

    kind: Literal["manual"]
    plans: tuple[PreparedPlan, ...] = ()


DeveloperCenter = Annotated[Embedded | Http | Manual, Field(discriminator="kind")]
