"""The options of `quecfota waveform`; what it does stands in `power.waveform_command`, which is imported when it is needed."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(command: argparse.ArgumentParser) -> None:
    """The options of `quecfota waveform`."""
    command.add_argument(
        "name", nargs="?", metavar="NAME", help="as it is listed without one, or named by what it does"
    )
    command.add_argument("--model", default="BC25", metavar="M", help="scale it to this model's supply range (BC25)")
    for flag, what in (("nominal", "nominal"), ("min", "least"), ("max", "greatest")):
        command.add_argument(f"--{flag}", type=float, metavar="V", help=f"the {what} voltage instead of the model's")
    command.add_argument("--waveforms", type=Path, metavar="DIR", help="own waveform files, as beside a rig file")
    command.add_argument("--draw", type=Path, metavar="FILE.svg", help="draw it into a file (needs the extra `plots`)")
    command.add_argument("--csv", action="store_true", help="its corners as a table: seconds, volts")
    command.add_argument("--scpi", metavar="PROFILE", help="the messages by which a supply of that profile plays it")
    command.add_argument("--precision", metavar="P", help='with --scpi: the worst error that will do, "2 ms, 25 mV"')
    command.add_argument("--channel", type=int, default=1, metavar="N", help="with --scpi: the supply's output")


def run(options: argparse.Namespace) -> int:
    """Carry it out and return the exit code."""
    from pytest_quecfota.power import waveform_command

    return waveform_command.run(options)
