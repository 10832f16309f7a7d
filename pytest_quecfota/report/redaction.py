"""Keeps secrets out of what is written: values known to be secret, and what looks like one on a command line.

The timeline redacts its own records; this is for command lines, messages, addresses and attached texts.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

#: Stands where a secret was.
HIDDEN = "***"

_OPTION = re.compile(
    r"(?i)^(--?[\w.-]*(?:secret|token|password|passwd|api[_-]?key|product[_-]?key)[\w.-]*)(=.*)?$", re.S
)
_ASSIGNMENT = re.compile(
    r"(?i)^([\w.-]*(?:secret|token|password|passwd|api[_-]?key|product[_-]?key|_p[ks])[\w.-]*)=(.*)$", re.S
)
_USERINFO = re.compile(r"(?<=://)[^/\s@]+(?=@)")


def text(value: str, secrets: Collection[str] = ()) -> str:
    """`value` without any of the `secrets`, and without user and password in addresses."""
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        value = value.replace(secret, HIDDEN)
    return _USERINFO.sub(HIDDEN, value)


def command_line(arguments: Sequence[str], secrets: Collection[str] = ()) -> list[str]:
    """A command line that may be kept: values of options and assignments that are named like a secret are hidden."""
    kept = []
    hide_next = False
    for argument in arguments:
        option = _OPTION.match(argument)
        assignment = _ASSIGNMENT.match(argument)
        if hide_next and not argument.startswith("-"):
            kept.append(HIDDEN)
        elif option and option[2]:
            kept.append(f"{option[1]}={HIDDEN}")
        elif assignment:
            kept.append(f"{assignment[1]}={HIDDEN}")
        else:
            kept.append(text(argument, secrets))
        hide_next = bool(option and not option[2])
    return kept
