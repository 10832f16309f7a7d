"""Ours: the wire, the timeline on disk, and an expectation; nothing is left out that a test on a rig has."""

from __future__ import annotations

import argparse

import contest

from pytest_quecfota import urc
from pytest_quecfota.link.port import PortSpec
from pytest_quecfota.link.wire import Wire
from pytest_quecfota.timeline import Timeline


class Quecfota:
    """A port that is read, typed and recorded."""

    def __init__(self, asked: argparse.Namespace) -> None:
        self._timeline = Timeline(asked.directory)
        self._wire = Wire(PortSpec(url=asked.port), self._timeline)

    def send(self, data: bytes) -> None:
        self._wire.write(data)

    def read_until_last(self, within: float) -> None:
        self._timeline.events.expect(urc.Downloaded, within=within)

    wait_for_event = read_until_last

    def close(self) -> None:
        self._wire.close()
        self._timeline.close()


if __name__ == "__main__":
    contest.run(Quecfota)
