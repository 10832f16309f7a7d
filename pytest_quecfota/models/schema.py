"""What a model file may say. Everything is frozen; times are in module seconds, voltages in volts."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainSerializer, PositiveFloat, model_validator

Flavour = Literal["nb", "cellular"]
SuccessEvent = Literal["before-restart", "after-restart", "after-reconnect"]


class Mark(str, enum.Enum):
    """How sure a fact is."""

    DOCUMENTED = "documented"  # in public documentation or a published transcript
    SDK = "sdk"  # from the behaviour of the QuecThing module-side SDK 2.9.0
    CONTRADICTED = "contradicted"  # sources disagree; the value is our decision
    REMEMBERED = "remembered"  # from memory of data sheets, not confirmed
    CHOSEN = "chosen"  # nothing public says it; ours, generous

    @property
    def confirmed(self) -> bool:
        """Whether somebody else can look it up."""
        return self in (Mark.DOCUMENTED, Mark.SDK)


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


def _read_only(mapping: dict[str, Any]) -> Mapping[str, Any]:
    return MappingProxyType(mapping)


_AS_DICT = PlainSerializer(dict, return_type=dict)


class Fact(_Data):
    """One number or option with how sure it is and where it was read."""

    value: Any
    mark: Mark
    source: str = ""


class Pick(_Data):
    """How the answer of a verb becomes a value.

    `kind`: `none` (OK is all), `line` (the first information line, stripped), `lines` (all), `field` (one value of the
    line that begins with `prefix`), `fields` (all its values), `block` (raw bytes after that line, `field` says how many).
    A field n becomes `factor * n + offset`; a value in `absent` means there is none.
    """

    kind: Literal["none", "line", "lines", "field", "fields", "block"] = "none"
    prefix: str = ""
    field: Annotated[int, Field(ge=0)] = 0
    factor: float = 1
    offset: float = 0
    absent: tuple[int, ...] = ()


class Verb(_Data):
    """How one verb of `module` is spelt: `command` has named places in braces, `timeout` is its own response time."""

    command: str
    pick: Pick = Pick()
    timeout: PositiveFloat | None = None


class Identity(_Data):
    """What identifies the model: `manufacturer` and `product` are regular expressions for lines that ATI prints."""

    manufacturer: str
    product: str


class Boot(_Data):
    """What a start prints: `first` begins it, `lines` in their usual order."""

    lines: tuple[str, ...]
    first: str = "RDY"


class Timings(_Data):
    """How long things take at most, in module seconds."""

    response: PositiveFloat  # AT+QIOT… commands, CON-08
    command: PositiveFloat  # any other command without a time of its own
    boot: PositiveFloat  # power on to RDY
    ready: PositiveFloat  # RDY to the first OK
    attach: PositiveFloat  # RDY to a network
    connect: PositiveFloat  # AT+QIOTREG to 3,10200
    disconnect: PositiveFloat  # AT+QIOTREG=0 to 6,10200
    offer: PositiveFloat  # AT+QIOTOTAREQ to 7,10700
    download_start: PositiveFloat  # AT+QIOTUPDATE=1 to 7,10701 or 7,10702
    download_silence: PositiveFloat  # between two URCs while it downloads
    download: PositiveFloat  # 7,10701 to 7,10703
    updater: PositiveFloat  # 7,10704 to the restart
    update: PositiveFloat  # 7,10704 to 7,10705 or 7,10706
    reboot: PositiveFloat  # restart into the new firmware to RDY
    block_read: PositiveFloat  # the module waits this long for AT+QIOTOTARD
    mcu_update: PositiveFloat  # the module waits this long for the new AT+QIOTMCUVER
    power_down: PositiveFloat  # AT+QPOWD to off
    reset: PositiveFloat  # reset command to RDY
    pwrkey_on: PositiveFloat  # PWRKEY held to switch on
    pwrkey_off: PositiveFloat  # PWRKEY held to switch off
    reset_pulse: PositiveFloat  # RESET_N held
    off: PositiveFloat  # how long the supply stays off in a power cycle


class SupplyLimits(_Data):
    """VBAT in volts. Where nobody has read it in a manual it is not `confirmed`: a rig of hardware gives its own."""

    min: PositiveFloat
    nominal: PositiveFloat
    max: PositiveFloat
    confirmed: bool
    source: str

    @model_validator(mode="after")
    def _ordered(self) -> SupplyLimits:
        if not self.min < self.nominal < self.max:
            raise ValueError("min < nominal < max must hold")
        return self


class Classic(_Data):
    """How the model's family plays AT+QFOTADL: `ways` a package may come, URLs in characters, endings of the `parts` it is made of.

    `stages` are those after the restart, in order; `results` what END may name besides 0, `download_results` what HTTPEND may
    where that is no guide's table. `after_cut`: what the guide says of a cut in the installation (`unsaid`: nothing testable).
    """

    family: str
    source: str
    ways: tuple[Literal["http", "https", "ftp", "upload", "path", "fixed"], ...]
    longest_url: Annotated[int, Field(gt=0)]
    stages: tuple[str, ...]
    results: tuple[int, ...]
    after_cut: Literal["continues", "restores", "goes-back", "unsaid"]
    parts: tuple[str, ...] = ("",)
    percent_sign: bool = False
    download_results: tuple[int, ...] = ()


class Options(_Data):
    """What firmware versions do differently, or sources contradict; a rig's `module.profile` may override each.

    success_event: where 7,10705 of a module update comes. leading_crlf: URCs begin with CR LF. otard_first_offset: what
    AT+QIOTOTARD calls the first byte; otard_max: the longest read. mcu_updating_event: 7,10704 of an MCU update comes after
    AT+QIOTUPDATE=3, or before the first read; mcu_end_indication: where `+QIND: "FOTA","END",0` of one comes; sota_block: how
    much of an MCU file the module holds at a time, in bytes (None: it shows). module_event_parameters: 7,10701 and 7,10703
    name component and length for a module too. silent_plan_confirmed_by: who confirms a silent plan. sha256_request: one
    AT+QIOTOTAREQ=1, or a bare one after it. battery_source: AT+CBC tells the charge, or nothing does. crc: of SOTA files.
    port_vanishes: the serial port goes away while the module restarts (its own USB). boot_rom: text of the boot ROM, at
    another byte rate, comes before RDY. echo: on at start. empty_mcuver: what AT+QIOTMCUVER? answers with no version set.
    send_event: NB, whether 4,10200 follows every AT+QIOTSEND or only confirmed ones. sdk: the QuecThing version, where known.
    dfota_https_words: AT+QFOTADL over HTTPS says HTTPSTART, or HTTPSSTART. voltage_lines: what is printed of a supply out of
    range: nothing, text (UNDER_VOLTAGE WARNING), or `+QIND: "vbatt",<n>`.
    """

    success_event: SuccessEvent = "after-restart"
    leading_crlf: bool = True
    otard_first_offset: Literal[0, 1] = 0
    mcu_updating_event: Literal["after-report", "before-read"] = "after-report"
    mcu_end_indication: Literal["none", "before-success", "after-success"] = "none"
    module_event_parameters: bool = False
    silent_plan_confirmed_by: Literal["host", "module"] = "host"
    sha256_request: Literal["single", "then-bare"] = "single"
    battery_source: Literal["cbc", "none"] = "cbc"
    crc: Literal["zlib", "unknown"] = "zlib"
    port_vanishes: bool = False
    boot_rom: bool = False
    echo: bool = True
    empty_mcuver: Literal["ok", "error"] = "ok"
    otard_max: Annotated[int, Field(gt=0)] = 1024
    sota_block: Annotated[int, Field(gt=0)] | None = None
    send_event: Literal["always", "confirmed"] = "always"
    dfota_https_words: Literal["http", "https"] = "http"
    voltage_lines: Literal["none", "text", "vbatt"] = "none"
    sdk: Annotated[str, Field(pattern=r"^(\d+(\.\d+){1,3})?$")] = ""


class Model(_Data):
    """Everything known of one module model."""

    name: str
    flavour: Flavour
    component: Annotated[str, Field(min_length=1, max_length=32)]
    identity: Identity
    boot: Boot
    baudrate: int
    timings: Timings
    supply: SupplyLimits
    verbs: Annotated[Mapping[str, Verb], AfterValidator(_read_only), _AS_DICT]
    options: Options
    classic: Classic | None = None
    facts: Annotated[Mapping[str, Fact], AfterValidator(_read_only), _AS_DICT]

    @property
    def block_length(self) -> int:
        """The longest AT+QIOTOTARD, in bytes."""
        return self.options.otard_max

    def verb(self, name: str) -> Verb:
        """How `name` is spelt; ValueError where the model has no such verb."""
        try:
            return self.verbs[name]
        except KeyError:
            raise ValueError(f"{self.name} has no verb {name!r}; it has {', '.join(sorted(self.verbs))}") from None

    def with_options(self, overrides: Mapping[str, Any]) -> Model:
        """This model with some options replaced, as a rig's `module.profile` asks.

        Raises pydantic's ValidationError for an unknown option or a value it cannot have.
        """
        merged = Options.model_validate({**self.options.model_dump(), **overrides})
        return self.model_copy(update={"options": merged})

    def unconfirmed(self) -> Mapping[str, Fact]:
        """The facts that nobody has confirmed, by dotted path."""
        return {path: fact for path, fact in self.facts.items() if not fact.mark.confirmed}
