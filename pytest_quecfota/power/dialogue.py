"""What is said to a supply in the words of its profile, and the proof that it was taken.

A command counts when the supply says so: its error queue is empty, or, where the family has none or one that says little, the
setting is read back as it was set. Where a family joins commands, action and question are one message. An answer that cannot be
read closes the connection: what comes next on it belongs to nobody knows what.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from pytest_quecfota.errors import Reason, SupplyError
from pytest_quecfota.power.instrument import Instrument
from pytest_quecfota.power.profiles import Answer, Profile

READ_BACK = {"voltage": "read_voltage", "current": "read_current", "on": "read_output", "off": "read_output"}
ROUNDED = 0.51  # of the resolution: how far a setting may be rounded


class Dialogue:
    """Speaks to `instrument` about its output `channel`, as `profile` says.

    Raises (everything): SupplyError: silent, refused, or not to be understood.
    """

    def __init__(self, instrument: Instrument, profile: Profile, channel: int) -> None:
        self.instrument = instrument
        self.profile = profile
        self.channel = channel

    def tell(self, *commands: str, **values: float) -> None:
        """Give the named commands of the profile, and wait for the supply's own word that they were taken."""
        profile = self.profile
        with self.instrument.lock:
            if profile.compound is not None and profile.commands.error is not None:
                message = profile.message(*commands, "error", channel=self.channel, **values)
                self._judge(message, self._asked(message, "error"))
            else:
                for command in commands:
                    message = profile.single(command, channel=self.channel, **values)
                    self.instrument.write(message)
                    self.check(message)
            if profile.reads_back or profile.commands.error is None:
                for command in commands:
                    self._read_back(command, **values)

    def say(self, *messages: str) -> None:
        """Send messages that have no answer, and wait for the supply's word that all were taken."""
        with self.instrument.lock:
            for message in messages:
                self.instrument.write(message)
            self.check(" ".join(messages))

    def check(self, what: str) -> None:
        """Ask for errors; one is the refusal of `what`. A family without an error queue says nothing."""
        if self.profile.commands.error is not None:
            self._judge(what, self._asked(self.profile.single("error", channel=self.channel), "error"))

    @contextlib.contextmanager
    def in_step(self) -> Iterator[None]:
        """Ask in here: afterwards the supply must still answer the question it is asked.

        A late or doubled answer moves all that follow by one; then a reading stands where the word on errors is due, which is told
        from one. Families without an error queue have no such word.
        """
        with self.instrument.lock:
            yield
            self.check("a reading")

    def number(self, command: str) -> float:
        """The answer to a query of the profile's commands, as a number."""
        return self.number_of(self.profile.single(command, channel=self.channel), self.profile.answer(command))

    def number_of(self, message: str, answer: Answer) -> float:
        """The answer to `message`, as a number."""
        told = self.instrument.query(message, length=answer.length)
        found = answer.number(told)
        if found is None:
            raise self._nonsense(told, message, "a number")
        return found

    def flag(self, command: str) -> bool:
        """The answer to a query of the profile's commands, as yes or no."""
        message = self.profile.single(command, channel=self.channel)
        told = self._asked(message, command)
        return self.flag_in(message, told, self.profile.answer(command))

    def flag_in(self, message: str, told: str, answer: Answer) -> bool:
        """What `told`, the answer to `message`, says: yes or no."""
        found = answer.flag(told, self.channel)
        if found is None:
            raise self._nonsense(told, message, "yes or no")
        return found

    # -- inside ----------------------------------------------------------------------------------------

    def _asked(self, message: str, command: str) -> str:
        return self.instrument.query(message, length=self.profile.answer(command).length)

    def _judge(self, what: str, told: str) -> None:
        clean = self.profile.is_clean(told)
        if clean:
            return
        if clean is None:
            raise self._nonsense(told, what, "an error or none")
        more = [f"{question} {self.instrument.query(question)}" for question in self.profile.explain]
        raise SupplyError(f"supply refused {what!r}: {', '.join([told, *more])}", reason=Reason.SUPPLY_SCPI)

    def _read_back(self, command: str, **values: float) -> None:
        query = READ_BACK[command]
        if getattr(self.profile.commands, query) is None:
            return
        if command in ("on", "off"):
            wanted, found = f"output {command}", f"output {'on' if self.flag(query) else 'off'}"
            right = wanted == found
        else:
            number, step = self.number(query), getattr(self.profile.resolution, command)
            wanted, found = f"{values[command]:g}", f"{number:g}"
            right = abs(number - values[command]) <= step * ROUNDED
        if not right:
            raise SupplyError(
                f"supply was told {wanted} and says {found} ({self.profile.single(query, channel=self.channel)})",
                reason=Reason.SUPPLY_SCPI,
            )

    def _nonsense(self, told: str, message: str, expected: str) -> SupplyError:
        self.instrument.close()
        return SupplyError(f"supply answered {told!r} to {message!r}, not {expected}", reason=Reason.SUPPLY_SCPI)
