"""From a test's `timeline.jsonl` to its course.

Only this module knows what records look like. It reads what `timeline` writes, record by record (`rx` records, which
may be most of a large file, are skipped unparsed), and sorts it into events per lane, samples, supply settings, stages
and disturbances. Records it does not know are left out; a last line that was cut in the middle (the run was killed)
too.

A disturbance is told by `supply` and `note` records that carry `"disturbance": <name>` and an `"action"`; those in
`DISTURBANCE_MARKS` make up its bracket. `"waveform": [[seconds, volts], …]` on one of them says what was asked of the
supply.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pytest_quecfota.report.course import DISTURBANCE_MARKS, Course, Disturbance, Event, Span
from pytest_quecfota.report.markup import clean

TIMELINE = "timeline.jsonl"

#: Which colour a URC has; what is not here is `other`.
TONES = {
    **dict.fromkeys(("UpgradeOffered",), "offer"),
    **dict.fromkeys(("DownloadStarted", "Downloading", "Downloaded"), "download"),
    **dict.fromkeys(("Updating",), "update"),
    **dict.fromkeys(("Updated",), "success"),
    **dict.fromkeys(("UpdateFailed", "AuthenticationFailed", "RegistrationFailed", "SubscriptionFailed"), "failure"),
    **dict.fromkeys(("Authenticated", "Registered", "Subscribed", "Deregistered"), "connection"),
    **dict.fromkeys(("Ready", "AppReady", "Functionality", "SimState", "NetworkState"), "boot"),
    **dict.fromkeys(("PoweredDown", "UnderVoltage", "OverVoltage"), "power"),
}

#: The stage an upgrade is in after a URC. `None` ends a stage without a new one.
STAGE_OF = {
    "UpgradeOffered": "offered",
    "DownloadStarted": "downloading",
    "Downloading": "downloading",
    "Downloaded": "downloaded",
    "Updating": "updating",
    "Ready": "restarted",
    "Updated": "upgraded",
    "UpdateFailed": "failed",
}
#: The same for `+QIND: "FOTA",<stage>` of the classic way.
STAGE_OF_DFOTA = {
    "HTTPSTART": "downloading", "FTPSTART": "downloading", "HTTPEND": "downloaded", "FTPEND": "downloaded",
    "START": "updating", "UPDATING": "updating", "RESTORE": "updating",
}  # fmt: skip
#: Stages that a restart does not end: the upgrade is decided.
DECIDED = frozenset({"upgraded", "failed"})

_TEXT_KEYS = ("text", "message", "name", "call", "action", "event", "status", "reason", "error")
_OWN_KEYS = frozenset({"t", "kind"})
_COMMAND = re.compile(r"\s*(AT[^\r\n]*)", re.IGNORECASE)


def records(path: Path) -> Iterator[dict[str, Any]]:
    """The records of a timeline file without the bytes that were received; a broken line is skipped.

    The last record is always given, whatever its kind, because it says how long the test took.
    """
    skipped = b""
    with path.open("rb") as file:
        for line in file:
            if b'"rx"' in line[:64]:
                skipped = line
                continue
            skipped = b""
            yield from _decoded(line)
    yield from _decoded(skipped)


def _decoded(line: bytes) -> Iterator[dict[str, Any]]:
    try:
        record = json.loads(line)
    except ValueError:
        return
    if isinstance(record, dict):
        yield record


def read(directory: Path) -> Course:
    """The course of the test whose folder this is; an empty one where it has no timeline."""
    path = directory / TIMELINE
    return of(records(path)) if path.is_file() else Course()


def of(found: Iterable[Mapping[str, Any]]) -> Course:
    """The course that records tell, in whatever order of kinds."""
    reader = _Reader()
    for record in found:
        reader.take(record)
    return reader.finish()


class _Reader:
    """Sorts records into a course; one method per kind that matters."""

    def __init__(self) -> None:
        self.course = Course()
        self._open_stage: tuple[str, float] | None = None
        self._open_steps: list[tuple[str, float]] = []
        self._marks: list[tuple[str, dict[str, float], list[tuple[float, float]]]] = []
        self._kinds: dict[str, Callable[[float, Mapping[str, Any]], None]] = {
            "urc": self._urc,
            "tx": self._sent,
            "response": self._response,
            "supply": self._supply,
            "sample": self._sample,
            "platform": self._platform,
            "step": self._step,
            "note": self._note,
            "fault": self._fault,
        }

    def take(self, record: Mapping[str, Any]) -> None:
        t = _number(record.get("t"))
        if t is None:
            return
        self.course.end = max(self.course.end, t)
        self.course.speed = _number(record.get("speed")) or self.course.speed
        take = self._kinds.get(str(record.get("kind")))
        if take is not None:
            take(t, record)

    def finish(self) -> Course:
        course = self.course
        self._stage(None, course.end)
        for name, start in self._open_steps:
            course.steps.append(Span(name, start, course.end))
        course.steps.sort(key=lambda step: step.start)
        course.disturbances = [Disturbance(name, marks, tuple(wave)) for name, marks, wave in self._marks]
        return course

    def _event(self, t: float, lane: str, text: str, tone: str, detail: str = "") -> None:
        self.course.events.append(Event(t, lane, clean(text), tone, clean(detail or text)))

    def _urc(self, t: float, record: Mapping[str, Any]) -> None:
        name = str(record.get("name", "Unknown"))
        fields = record.get("fields")
        fields = fields if isinstance(fields, dict) else {}
        text = str(fields.get("stage") or name) if name == "Dfota" else name
        self._event(t, "module", text, TONES.get(name, "other"), str(record.get("raw", "")))
        stage = _stage_after(name, fields)
        if stage == "restarted" and (self._open_stage is None or self._open_stage[0] in DECIDED | {"offered"}):
            return
        if stage:
            self._stage(stage, t)

    def _stage(self, name: str | None, t: float) -> None:
        current = self._open_stage
        if current is not None and current[0] == name:
            return
        if current is not None:
            self.course.stages.append(Span(current[0], current[1], t))
        self._open_stage = None if name is None else (name, t)

    def _sent(self, t: float, record: Mapping[str, Any]) -> None:
        data = str(record.get("data", ""))
        command = _COMMAND.match(data)
        if command:
            self._event(t, "host", command[1].strip(), "command")

    def _response(self, t: float, record: Mapping[str, Any]) -> None:
        """A command that was refused or not answered turns red where it was sent."""
        final, command = str(record.get("final") or "no answer"), clean(str(record.get("command", "")).strip())
        if final == "OK":
            return
        sent = next((n for n in range(len(self.course.events) - 1, -1, -1) if self._is(n, command)), None)
        if sent is None:
            self._event(t, "host", f"{command} → {final}", "failure")
        else:
            self.course.events[sent] = replace(self.course.events[sent], text=f"{command} → {final}", tone="failure")

    def _is(self, number: int, command: str) -> bool:
        event = self.course.events[number]
        return event.lane == "host" and event.text == command

    def _supply(self, t: float, record: Mapping[str, Any]) -> None:
        if record.get("disturbance"):
            self._disturbed(t, record)
            return
        off = record.get("output") is False
        voltage = 0.0 if off else _number(record.get("voltage"))
        if voltage is not None:
            self.course.settings.append((t, voltage))
        self._event(t, "supply", _supply_text(record), "supply", _all_of(record))

    def _disturbed(self, t: float, record: Mapping[str, Any]) -> None:
        name, action = clean(str(record["disturbance"])), str(record.get("action") or record.get("event") or "sent")
        current = next((found for found in reversed(self._marks) if found[0] == name), None)
        if current is None or action in current[1]:
            current = (name, {}, [])
            self._marks.append(current)
        current[1][action] = t
        wave = record.get("waveform")
        if isinstance(wave, list):
            current[2][:] = _points(wave)
        self._event(t, "supply", f"{name}: {DISTURBANCE_MARKS.get(action, action)}", "power", _all_of(record))

    def _sample(self, t: float, record: Mapping[str, Any]) -> None:
        voltage, current = _number(record.get("voltage")), _number(record.get("current"))
        if voltage is not None:
            self.course.samples.append((t, voltage, current or 0.0))

    def _platform(self, t: float, record: Mapping[str, Any]) -> None:
        self._event(t, "platform", _platform_text(record), "platform", _all_of(record))

    def _step(self, t: float, record: Mapping[str, Any]) -> None:
        name = clean(str(record.get("name", "step")))
        if record.get("phase") != "end":
            self._open_steps.append((name, t))
            self._event(t, "test", name, "note")
            return
        for index in range(len(self._open_steps) - 1, -1, -1):
            if self._open_steps[index][0] == name:
                self.course.steps.append(Span(name, self._open_steps.pop(index)[1], t))
                return

    def _note(self, t: float, record: Mapping[str, Any]) -> None:
        if record.get("disturbance"):
            self._disturbed(t, record)
        elif "started" not in record:  # the first record says when the timeline began
            self._event(t, "test", _text_of(record), "note", _all_of(record))

    def _fault(self, t: float, record: Mapping[str, Any]) -> None:
        self._event(t, "test", _text_of(record), "failure", _all_of(record))
        self.course.faults.append(self.course.events[-1])


def _stage_after(name: str, fields: Mapping[str, Any]) -> str | None:
    if name != "Dfota":
        return STAGE_OF.get(name)
    stage = str(fields.get("stage", "")).upper()
    if stage == "END":
        return "upgraded" if fields.get("value") in (0, None) else "failed"
    return STAGE_OF_DFOTA.get(stage)


def _number(value: object) -> float | None:
    """A finite number as it is, anything else as None."""
    return float(value) if isinstance(value, (int, float)) and math.isfinite(value) else None


def _points(wave: Iterable[object]) -> list[tuple[float, float]]:
    pairs = [[_number(number) for number in pair] for pair in wave if isinstance(pair, (list, tuple))]
    return [(pair[0], pair[1]) for pair in pairs if len(pair) == 2 and pair[0] is not None and pair[1] is not None]


def _supply_text(record: Mapping[str, Any]) -> str:
    action = str(record.get("action", "set"))
    voltage = _number(record.get("voltage"))
    if record.get("output") is False or action == "off":
        return "off"
    return f"{action} {voltage:g} V" if voltage is not None else action


def _platform_text(record: Mapping[str, Any]) -> str:
    action, answer = record.get("action"), record.get("status") or record.get("target")
    return f"{action}: {answer}" if action and answer else str(action or _text_of(record))


def _text_of(record: Mapping[str, Any]) -> str:
    found = [str(record[key]) for key in _TEXT_KEYS if record.get(key) not in (None, "")]
    return found[0] if found else _all_of(record)


def _all_of(record: Mapping[str, Any]) -> str:
    return ", ".join(f"{key} {value}" for key, value in record.items() if key not in _OWN_KEYS and key != "waveform")
