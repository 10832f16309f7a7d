"""Names, codes and likely reasons for failure texts, from `reasons.yaml`. Loaded when the first failure is told."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from importlib import resources

from pytest_quecfota.timeline.patterns import Where, describe
from pytest_quecfota.urc import Urc


@functools.cache
def tables() -> dict[str, dict[str, str]]:
    """The whole file: table by cause, reason by URC class; and the codes."""
    import yaml  # only a failure needs it

    text = resources.files(__package__).joinpath("reasons.yaml").read_text(encoding="utf-8")
    loaded: dict[str, dict[str, str]] = yaml.safe_load(text)
    return loaded


def why(cause: str, name: str) -> str:
    """A likely reason, by cause and name of the URC class."""
    table = tables()[cause]
    return table.get(name, table["default"])


def title(meant: Where | Urc) -> str:
    """A URC with the code a person finds in the log: `Downloaded (7,10703)`."""
    cls = type(meant) if isinstance(meant, Urc) else meant.cls
    spelt = cls.__name__ if isinstance(meant, Urc) else describe(meant)
    code = tables()["codes"].get(cls.__name__) or _numbers(meant)
    return f"{spelt} ({code})" if code else spelt


def titles(leaves: Iterable[Where]) -> str:
    """Alternatives with their codes."""
    return " or ".join(map(title, leaves))


def _numbers(meant: Where | Urc) -> str:
    """The code of a URC whose class does not tell it: type and code as printed."""
    if not isinstance(meant, Urc):
        return ""
    types = {"AuthenticationFailed": 1, "RegistrationFailed": 2, "SubscriptionFailed": 3}
    first = getattr(meant, "type", types.get(type(meant).__name__))
    code = getattr(meant, "code", None)
    return f"{first},{code}" if isinstance(first, int) and isinstance(code, int) else ""
