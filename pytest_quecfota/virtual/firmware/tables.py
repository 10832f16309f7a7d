"""All commands, by name, and those that a model of a flavour and SDK version has. Each room of commands has its own table."""

from __future__ import annotations

from ..models import ModelData
from . import classic, data, device, files, identity, network, quecthing, services, subdevices, system, updates
from .commands import Command, merge

COMMANDS = merge(
    room.COMMANDS
    for room in (identity, system, network, quecthing, data, device, updates, classic, files, services, subdevices)
)


def commands_of(model: ModelData) -> dict[str, Command]:
    """The commands a model has; any other is answered ERROR."""
    return {
        name: command
        for name, command in COMMANDS.items()
        if model.offers(command.since) and not (command.until and model.offers(command.until))
    }
