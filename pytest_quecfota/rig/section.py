"""What every part of a rig file has in common: frozen, and strict about names."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from pytest_quecfota.rig.quantities import Whole

Text = Annotated[str, Field(min_length=1)]
VisaAddress = Annotated[
    str,
    Field(
        pattern=r"^(?i:(TCPIP|ASRL|GPIB|USB|VICP|PXI|VXI)[^\s]*::[^\s]+)$",
        description="VISA resource name",
        examples=["TCPIP::192.0.2.50::5025::SOCKET"],
    ),
]
Percent = Annotated[Whole, Field(ge=0, le=100)]


class Section(BaseModel):
    """A map of a rig file: unknown names are errors, nothing changes after loading."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)
