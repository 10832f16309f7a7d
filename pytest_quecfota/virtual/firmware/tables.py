"""All commands of the module, by name. Each room of commands has its own table."""

from __future__ import annotations

from . import identity, network, quecthing, system, updates
from .commands import merge

COMMANDS = merge(room.COMMANDS for room in (identity, system, network, quecthing, updates))
