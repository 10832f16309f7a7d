"""The subcommands: each explains itself, and each exit code means what it says: 0 yes, 1 no, 2 wrong use, 3 no answer."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

INSIDE = ["rigs", "doctor", "schema", "bench", "decode", "report", "verify", "requirements", "defects", "waveform"]
OUTSIDE = ["image", "delta", "cloud"]


def test_help_lists_every_command(quecfota):
    said = quecfota("--help")
    assert said.code == 0
    for name in (*INSIDE, *OUTSIDE):
        assert re.search(rf"^ +{name}\b", said.out, re.MULTILINE), name
    assert "0 yes, 1 no, 2 wrong use, 3 the bench could not answer" in said.out


@pytest.mark.parametrize("name", INSIDE)
def test_every_command_explains_itself(quecfota, name):
    said = quecfota(name, "--help")
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith(f"usage: quecfota {name}")


@pytest.mark.parametrize("name", OUTSIDE)
def test_commands_that_are_other_processes_explain_themselves_alike(process, name):
    said = process(name, "--help")
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith(f"usage: quecfota {name}")


def test_the_installed_command_is_this_one(folder):
    command = shutil.which("quecfota", path=str(Path(sys.executable).parent))
    assert command, "the package is installed without its command"
    done = subprocess.run([command, "rigs"], capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "bench2" in done.stdout


@pytest.mark.parametrize(
    "arguments",
    [[], ["fly"], ["bench"], ["rigs", "--colour"], ["bench", "--rig"], ["decode", "no-such-file"], ["decode", "."]],
    ids=lambda a: " ".join(a) or "nothing",
)
def test_wrong_use_is_two_and_one_message_on_standard_error(quecfota, arguments):
    said = quecfota(*arguments)
    assert (said.code, said.out) == (2, "")
    assert said.err
    assert "Traceback" not in said.err


@pytest.mark.parametrize("name", OUTSIDE[:2])
def test_wrong_use_of_another_process_is_two_as_well(process, name):
    assert process(name, "--colour").code == 2


def test_an_unknown_rig_is_wrong_use_and_the_rigs_are_listed(quecfota):
    said = quecfota("doctor", "--rig", "bench9")
    assert said.code == 2
    assert "bench9" in said.err
    assert "bench2" in said.err


def test_a_wrong_rig_file_is_wrong_use_with_file_line_and_column(quecfota):
    said = quecfota("bench", "--rig", "bench2")
    assert said.code == 2
    assert re.search(r"rigs/bench2\.yaml:2:\d+: .*NOWHERE_PK", said.err)


def test_a_bench_for_a_rig_of_hardware_is_wrong_use(quecfota, monkeypatch):
    monkeypatch.setenv("NOWHERE_PK", "p11key")
    said = quecfota("bench", "--rig", "bench2")
    assert said.code == 2
    assert "is not virtual" in said.err


def test_rigs_lists_what_there_is(quecfota):
    said = quecfota("rigs")
    assert said.code == 0
    assert re.search(r"virtual .*BC25.*speed 60", said.out)


def test_no_rigs_is_no(quecfota, folder):
    (folder / "empty").mkdir()
    said = quecfota("rigs", "--rig-dir", "empty")
    assert said.code == 1
    assert "empty" in said.out


def test_schema_is_a_json_schema_of_a_rig_file(quecfota):
    said = quecfota("schema")
    schema = json.loads(said.out)
    assert said.code == 0
    assert schema["type"] == "object"
    assert {"name", "module", "supply", "developer_center", "virtual"} <= set(schema["properties"])


def test_defects_are_listed_with_the_requirement_each_breaks(quecfota):
    said = quecfota("defects")
    assert said.code == 0
    assert re.search(r"^skip-10703 +OTA-06 ", said.out, re.MULTILINE)


def test_the_doctor_says_no_where_the_port_is_not_there(quecfota, monkeypatch):
    monkeypatch.setenv("NOWHERE_PK", "p11key")
    said = quecfota("doctor", "--rig", "bench2")
    assert said.code == 1
    assert re.search(r"^error +port: /dev/none is not there", said.out, re.MULTILINE)
    assert "p11key" not in said.out


def test_the_doctor_says_yes_to_a_virtual_rig(quecfota):
    said = quecfota("doctor", "--rig", "virtual")
    assert said.code == 0, said.out
    assert not re.search("^error", said.out, re.MULTILINE)


@pytest.mark.parametrize("command", [["schema"], ["decode", "said.txt"]], ids=lambda c: c[0])
def test_a_reader_that_has_left_is_no_error(process, folder, command):
    """`quecfota schema | head -1`: the pipe is closed before all is written, or before anything is."""
    (folder / "said.txt").write_text("+QIOTEVT: 7,10703\n")
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as pipe:
        said = process(*command, stdout=pipe)
    assert (said.code, said.err) == (0, "")


@pytest.mark.parametrize("command", [["schema"], ["decode", "said.txt"]], ids=lambda c: c[0])
def test_a_full_disk_is_told_in_one_line(process, folder, command):
    (folder / "said.txt").write_text("+QIOTEVT: 7,10703\n")
    with Path("/dev/full").open("wb") as full:
        said = process(*command, stdout=full)
    assert said.code == 2
    assert said.err == f"quecfota {command[0]}: [Errno 28] No space left on device\n"


def test_the_command_needs_no_pytest_for_its_help(folder):
    """It starts fast: nothing heavy is imported before it is needed."""
    code = "import sys\nfrom pytest_quecfota import cli\ntry:\n cli.main(['--help'])\nexcept SystemExit: pass\n"
    code += (
        "print(*sorted({'pytest', 'pydantic', 'pyvisa', 'serial', 'matplotlib', 'fastapi', 'yaml'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True, env=os.environ
    )
    assert done.stdout.splitlines()[-1] == ""
