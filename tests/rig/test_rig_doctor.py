"""The doctor says what is wrong with a rig, what would help, and what nobody has confirmed."""

from __future__ import annotations

import contextlib
import fcntl
import http.server
import os
import pty
import re
import socket
import threading
from pathlib import Path

import pytest
from rig_texts import HARDWARE, VIRTUAL

from pytest_quecfota.rig import doctor, lease
from pytest_quecfota.rig.doctor import Finding, Machine

VISA = "TCPIP::192.0.2.50::5025::SOCKET"
IDN = b"Keysight Technologies,E36312A,MY1,1.0\n"


@pytest.fixture
def machine(tmp_path) -> Machine:
    """A machine on which everything is installed and nothing plugged in."""
    for name in ("sys", "proc", "dev"):
        (tmp_path / name).mkdir()
    places = {name: tmp_path / name for name in ("sys", "proc", "dev")}
    return Machine(**places, which=lambda name: f"/bin/{name}", has_package=lambda _name: True)


@pytest.fixture(autouse=True)
def run_directory(tmp_path, monkeypatch):
    monkeypatch.setenv("QUECFOTA_RUN_DIR", str(tmp_path / "run"))


@pytest.fixture
def tty():
    """A serial line of its own."""
    ours, theirs = pty.openpty()
    yield os.ttyname(theirs)
    os.close(ours)
    os.close(theirs)


@contextlib.contextmanager
def answering(answer: bytes):
    """Something that answers every line with `answer`; yields its port."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                link, _ = server.accept()
                with link, link.makefile("rb") as lines:
                    for _line in lines:
                        link.sendall(answer)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield server.getsockname()[1]
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join(5)


@contextlib.contextmanager
def center(status: int):
    """A Developer Center that answers everything with `status`; yields its address and the tokens it saw."""
    seen: list[str | None] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.headers["Authorization"])
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_words: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", seen
        finally:
            server.shutdown()
            thread.join(5)


def about(findings: list[Finding], what: str, level: str | None = None) -> list[str]:
    return [f.text for f in findings if f.what == what and level in (None, f.level)]


def with_port(port: str) -> str:
    return HARDWARE.replace("{url: /dev/ttyUSB9, baudrate: 115200}", port)


def without_supply(text: str = HARDWARE) -> str:
    return re.sub(r"supply:\n(  .*\n)+", "", text)


class TestThePort:
    def examine(self, rig_files, machine, port: str) -> list[Finding]:
        findings = doctor.examine(rig_files.load(without_supply(with_port(port))), machine)
        return [finding for finding in findings if finding.what == "port"]

    def test_that_is_there_is_fine(self, rig_files, machine, tty):
        assert self.examine(rig_files, machine, tty) == [Finding("ok", "port", f"{tty} can be opened")]

    def test_that_another_program_has_is_an_error(self, rig_files, machine, tty):
        with Path(tty).open("rb", buffering=0) as taken:
            fcntl.flock(taken, fcntl.LOCK_EX)
            (finding,) = self.examine(rig_files, machine, tty)
        assert (finding.level, finding.remedy) == ("error", f"see who has it: fuser -v {tty}")

    def test_that_is_not_there_names_those_that_are(self, rig_files, machine):
        by_path = machine.dev / "serial" / "by-path"
        by_path.mkdir(parents=True)
        (by_path / "pci-usb-1").touch()
        (finding,) = self.examine(rig_files, machine, "/dev/nothing")
        assert finding == Finding("error", "port", "/dev/nothing is not there", f"there are {by_path}/pci-usb-1")

    def test_with_a_name_that_a_second_module_shares_is_warned_of(self, rig_files, machine, tty, tmp_path):
        link = tmp_path / "usb-Android_Android-if02-port0"
        link.symlink_to(tty)
        assert [f.level for f in self.examine(rig_files, machine, str(link))] == ["ok", "warning"]

    def test_with_modem_manager_around_is_warned_of(self, rig_files, machine, tmp_path):
        (machine.proc / "77").mkdir()
        (machine.proc / "77" / "comm").write_text("ModemManager\n")
        port = tmp_path / "ttyUSB0"
        port.touch()
        findings = self.examine(rig_files, machine, str(port))
        assert ["ModemManager" in f.text for f in findings] == [False, True]

    @pytest.mark.parametrize(("latency", "told"), [("16", True), ("1", False)])
    def test_that_holds_bytes_back_is_hinted_at(self, rig_files, machine, tmp_path, latency, told):
        timer = machine.sys / "class/tty/ttyUSB0/device"
        timer.mkdir(parents=True)
        (timer / "latency_timer").write_text(f"{latency}\n")
        port = tmp_path / "ttyUSB0"
        port.touch()
        hints = [f for f in self.examine(rig_files, machine, str(port)) if f.level == "hint"]
        assert bool(hints) is told

    def test_on_a_hub_is_looked_for_there(self, rig_files, machine):
        port = '{usb_path: "1-1.3", interface: 2}'
        assert "nothing is plugged in" in self.examine(rig_files, machine, port)[0].text
        interface = machine.sys / "bus/usb/devices/1-1.3:1.2"
        (interface.parent / "1-1.3").mkdir(parents=True)
        assert "has no serial port" in self.examine(rig_files, machine, port)[0].text
        (interface / "ttyUSB2").mkdir(parents=True)
        assert self.examine(rig_files, machine, port)[0].level == "ok"

    def test_behind_a_socket_is_connected_to(self, rig_files, machine):
        with answering(b"") as port:
            assert self.examine(rig_files, machine, f"socket://127.0.0.1:{port}")[0].level == "ok"
            (hint,) = self.examine(rig_files, machine, f"rfc2217://127.0.0.1:{port}")
            assert hint.remedy == "add ?ign_set_control to the URL"
        assert self.examine(rig_files, machine, f"socket://127.0.0.1:{port}")[0].level == "error"


class TestTheSupply:
    def examine(self, rig_files, machine, port: int, text: str = HARDWARE) -> list[Finding]:
        rig = rig_files.load(text.replace(VISA, f"TCPIP::127.0.0.1::{port}::SOCKET"))
        return [f for f in doctor.examine(rig, machine) if f.what == "supply"]

    def test_that_answers_as_its_profile_says_is_fine(self, rig_files, machine):
        with answering(IDN) as port:
            (finding,) = self.examine(rig_files, machine, port)
        assert finding.level == "ok"
        assert "E36312A" in finding.text

    def test_of_another_make_is_an_error(self, rig_files, machine):
        with answering(b"RIGOL,DP832,1,2\n") as port:
            (finding,) = self.examine(rig_files, machine, port)
        assert (finding.level, finding.remedy) == ("error", "correct supply.profile")

    def test_that_is_off_is_an_error(self, rig_files, machine):
        (finding,) = self.examine(rig_files, machine, 1)
        assert (finding.level, "cannot be reached" in finding.text) == ("error", True)

    def test_of_an_unknown_profile_is_an_error(self, rig_files, machine):
        with answering(IDN) as port:
            text = HARDWARE.replace("keysight-e36300", "keysight-e3630").replace(
                VISA, f"TCPIP::127.0.0.1::{port}::SOCKET"
            )
            findings = doctor.examine(rig_files.load(text), machine)
        (said,) = about(findings, "supply profile", "error")
        assert "keysight-e36300" in said

    def test_on_a_channel_it_does_not_have_is_an_error(self, rig_files, machine):
        text = HARDWARE.replace("profile: k", "channel: 9\n  profile: k").replace(VISA, "TCPIP::127.0.0.1::1::SOCKET")
        assert "the rig file asks for 9" in about(doctor.examine(rig_files.load(text), machine), "supply profile")[0]


class TestTheDeveloperCenter:
    def examine(self, rig_files, machine, settings: str) -> list[Finding]:
        text = without_supply(with_port("loop://")).replace("kind: manual", settings)
        return [f for f in doctor.examine(rig_files.load(text), machine) if f.what == "Developer Center"]

    @pytest.mark.parametrize(
        ("status", "level", "said"),
        [(200, "ok", "takes the token"), (401, "error", "does not take the token"), (404, "error", "answers 404")],
    )
    def test_that_runs_is_asked_with_its_token(self, rig_files, machine, status, level, said):
        with center(status) as (url, seen):
            (finding,) = self.examine(rig_files, machine, f"kind: http, url: '{url}', token: s3cr3t")
        assert (finding.level, said in finding.text, seen) == (level, True, ["Bearer s3cr3t"])
        assert "s3cr3t" not in finding.text

    def test_that_is_down_is_an_error(self, rig_files, machine):
        (finding,) = self.examine(rig_files, machine, "kind: http, url: 'http://127.0.0.1:1', token: t")
        assert (finding.level, finding.remedy) == ("error", "start it with `quecfota cloud`")

    def test_without_prepared_plans_is_warned_of(self, rig_files, machine):
        assert self.examine(rig_files, machine, "kind: manual")[0].level == "warning"

    def test_with_a_plan_for_something_else_is_hinted_at(self, rig_files, machine):
        plan = "{component: BC26, package_type: full, target_version: V2}"
        findings = self.examine(rig_files, machine, f"kind: manual, plans: [{plan}]")
        assert [f.level for f in findings] == ["ok", "hint"]


class TestTheRest:
    def test_missing_secrets_are_warned_of(self, rig_files, machine):
        findings = doctor.examine(rig_files.load(without_supply(with_port("loop://"))), machine)
        assert "product_key and product_secret missing" in about(findings, "product", "warning")[0]

    def test_a_held_rig_says_who_holds_it(self, rig_files, machine):
        rig = rig_files.load(without_supply(with_port("loop://")))
        assert about(doctor.examine(rig, machine), "lease", "ok") == ["nobody holds the rig"]
        with lease.hold(rig):
            assert f"pid {os.getpid()}" in about(doctor.examine(rig, machine), "lease", "warning")[0]

    def test_cuts_that_are_not_allowed_or_not_bounded_are_hinted_at(self, rig_files, machine):
        text = HARDWARE.replace(VISA, "TCPIP::127.0.0.1::1::SOCKET")
        assert "not allowed" in about(doctor.examine(rig_files.load(text), machine), "cuts")[0]
        bare = rig_files.load(text + "allow: [cuts]\n")
        assert "without a bound" in about(doctor.examine(bare, machine), "cuts")[0]

    def test_programs_and_packages_of_controls_are_looked_for(self, rig_files, tmp_path, machine):
        controls = """\
controls:
  power: {kind: command, press: [usbrelay, a]}
  reset: {kind: gpio, chip: /dev/gpiochip0, line: 1}
  attenuator: {kind: command, set: [attenuate, "{db}"]}
place: {coordinator: "farm:1", name: x}
"""
        bare = Machine(machine.sys, machine.proc, machine.dev, lambda _name: None, lambda _name: False)
        findings = doctor.examine(rig_files.load(without_supply(with_port("loop://")) + controls), bare)
        wrong = {f.what for f in findings if f.level == "error"}
        assert wrong == {"control power", "control reset", "control attenuator", "place"}

    def test_what_nobody_has_confirmed_is_said_plainly(self, rig_files, machine):
        findings = doctor.examine(rig_files.load(VIRTUAL), machine)
        said = "\n".join(about(findings, "model BC25", "hint"))
        assert "only remembered, read by nobody in a manual" in said
        assert "supply.max 3.63" in said
        assert "options.success_event after-restart" in said

    def test_a_virtual_rig_needs_its_packages_only(self, rig_files, machine):
        findings = doctor.examine(rig_files.load(VIRTUAL), machine)
        assert {f.level for f in findings} <= {"ok", "hint"}
        bare = Machine(
            machine.sys, machine.proc, machine.dev, machine.which, lambda name: name not in {"fastapi", "matplotlib"}
        )
        findings = doctor.examine(rig_files.load(VIRTUAL), bare)
        assert about(findings, "virtual bench", "error") == ["packages are missing: fastapi"]
        assert about(findings, "pictures", "hint")

    def test_the_machine_it_looks_at_by_default_is_this_one(self, rig_files):
        assert Machine().has_package("pytest")
        assert not Machine().has_package("no_such_package")
        assert doctor.examine(rig_files.load(VIRTUAL))
        assert Path("/proc/self/comm").exists()


class TestTheSupplysProfile:
    """What it can do is said, what nobody has confirmed is listed, what cannot work is told."""

    def said(self, rig_files, machine, change: str, level: str, what: str = "profile rs-hmp4040") -> list[str]:
        text = HARDWARE.replace(VISA, "TCPIP::127.0.0.1::1::SOCKET").replace("  profile: keysight-e36300", change)
        return about(doctor.examine(rig_files.load(text), machine), what, level)

    def test_says_what_it_plays_by_itself(self, rig_files, machine):
        (told,) = self.said(rig_files, machine, "  profile: rs-hmp4040", "ok")
        assert told == (
            "waveforms of up to 128 steps of 60 ms and more are played by the supply itself; a battery is played by the host"
        )
        (told,) = self.said(rig_files, machine, "  profile: tti-plx", "ok", "profile tti-plx")
        assert told.startswith("waveforms are stepped by the host")

    def test_lists_what_no_manual_confirms(self, rig_files, machine):
        (told,) = self.said(rig_files, machine, "  profile: rs-hmp4040", "hint")
        assert told.startswith("no manual confirms: compound messages with INST:NSEL in front")

    def test_says_where_there_is_no_protection(self, rig_files, machine):
        told = self.said(rig_files, machine, "  profile: siglent-spd3303x", "hint", "profile siglent-spd3303x")
        assert "no over-voltage protection" in told[0]
        change = "  profile: rs-hmp4040\n  over_current: 1.5"
        assert "no over-current protection of its own" in self.said(rig_files, machine, change, "warning")[0]

    def test_warns_of_a_line_it_is_not_known_to_speak_over(self, rig_files, machine):
        (told,) = self.said(
            rig_files, machine, "  profile: keithley-2281s\n  channel: 1", "ok", "profile keithley-2281s"
        )
        text = HARDWARE.replace(VISA, "ASRL/dev/none::INSTR").replace("keysight-e36300", "keithley-2281s")
        (told,) = about(doctor.examine(rig_files.load(text), machine), "supply profile", "warning")
        assert "Keithley 2281S is not known to speak over ASRL; TCPIP::<address>::5025::SOCKET or USB" in told

    def test_of_a_users_own_file_is_looked_at_as_any_other(self, rig_files, machine):
        rig_files.write("extends: rs-hmp4040\nname: ours-1\nunconfirmed: [all of it]\n", "ours.yaml")
        assert self.said(rig_files, machine, "  profile: ours.yaml", "hint", "profile ours-1") == [
            "no manual confirms: all of it"
        ]


def test_findings_are_wrapped_and_long_members_of_a_list_stand_one_below_the_other():
    finding = Finding.listing("hint", "profile x", "no manual confirms", ["a" * 60, " ".join(["word"] * 40), "short"])
    lines = finding.lines(80)
    assert max(map(len, lines)) <= 80
    assert lines[0] == "hint     profile x: no manual confirms:"
    assert [line[:11] for line in lines if line.strip().startswith("-")] == ["         - "] * 3
    assert "\n".join(Finding("ok", "port", "fine", "do this").lines()) == "ok       port: fine\n         do this"
    flowing = Finding.listing("hint", "model y", "remembered", [f"fact {n}" for n in range(60)]).lines(80)
    assert max(map(len, flowing)) <= 80
    assert all(line.startswith(" " * 9) for line in flowing[1:])
    assert all(line.rstrip(";")[-1].isdigit() for line in flowing), "a member is not torn apart"


def test_the_tap_of_an_observed_host_is_looked_at_like_the_port(rig_files, machine, tty):
    text = without_supply().replace("model: BC25", "model: BC25\n  tap: {url: %s}") + "host: observed\n"
    assert about(doctor.examine(rig_files.load(text % tty), machine), "tap", "ok") == [f"{tty} can be opened"]
    assert about(doctor.examine(rig_files.load(text % "/dev/nothing"), machine), "tap", "error") == [
        "/dev/nothing is not there"
    ]
    assert not about(doctor.examine(rig_files.load(without_supply()), machine), "tap")
