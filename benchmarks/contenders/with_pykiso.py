"""pykiso's CCSerial channel under its RecordAuxiliary, whose log is searched for the last line every 0.1 s.

`--each` takes the raw chunks from its CommunicationAuxiliary instead, which records nothing, and splits them itself.
"""

from __future__ import annotations

import argparse
import time

import contest
from pykiso.lib.auxiliaries.communication_auxiliary import CommunicationAuxiliary
from pykiso.lib.auxiliaries.record_auxiliary import RecordAuxiliary
from pykiso.lib.connectors.cc_serial import CCSerial
from pykiso.logging_initializer import initialize_logging


class Recording:
    """The record, searched as a whole: its cursor may stand in the middle of the line that is waited for."""

    def __init__(self, asked: argparse.Namespace) -> None:
        initialize_logging(None, "WARNING", False)
        self._channel = CCSerial(port=asked.port, baudrate=115200)
        self._record = RecordAuxiliary(self._channel, is_active=True, log_folder_path=str(asked.directory), name="log")
        self._record.start()
        while not self._channel.serial.is_open:
            time.sleep(0.01)

    def send(self, data: bytes) -> None:
        self._record.clear_buffer()
        self._channel.cc_send(data)

    def read_until_last(self, within: float) -> None:
        self._record.wait_for_message_in_log(
            contest.LAST.decode(), timeout=within, from_cursor=False, set_cursor=False, exception_on_failure=True
        )

    wait_for_event = read_until_last

    def close(self) -> None:
        self._record.stop()


class Chunks:
    """Raw chunks, split by the test."""

    def __init__(self, asked: argparse.Namespace) -> None:
        initialize_logging(None, "WARNING", False)
        self._auxiliary = CommunicationAuxiliary(CCSerial(port=asked.port, baudrate=115200), name="chunks")
        self._auxiliary.start()
        self._collecting = self._auxiliary.collect_messages()
        self._collecting.__enter__()

    def send(self, data: bytes) -> None:
        self._auxiliary.send_message(data)

    def read_until_last(self, within: float) -> None:
        rest = b""
        while True:
            chunk = self._auxiliary.receive_message(timeout_in_s=within) or b""
            lines = (rest + chunk).split(b"\r\n")
            rest = lines.pop()
            if contest.LAST in lines:
                return

    wait_for_event = read_until_last

    def close(self) -> None:
        self._collecting.__exit__()
        self._auxiliary.stop()


if __name__ == "__main__":
    given = contest.arguments()
    contest.run(Chunks if given.each else Recording, given)
