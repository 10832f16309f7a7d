"""The virtual bench's process: started with a document, found by its ready line, stopped without a trace."""

from __future__ import annotations

import json
import math
import os
import select
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from pathlib import Path

import pytest
from rig_texts import HARDWARE, VIRTUAL

from pytest_quecfota import rig as rigs
from pytest_quecfota.errors import BenchError, Reason
from pytest_quecfota.rig import bench as benches
from pytest_quecfota.rig.clock import Clock

FAKE = """
import http.server, json, os, subprocess, sys, threading
document = json.loads(sys.stdin.read())
print("starting", document["name"], file=sys.stderr, flush=True)
calls = []
class Control(http.server.BaseHTTPRequestHandler):
    def answer(self, status, words):
        self.send_response(status); self.end_headers(); self.wfile.write(json.dumps(words).encode())
    def do_GET(self):
        if self.path == "/document": self.answer(200, document)
        elif self.path == "/calls": self.answer(200, calls)
        elif self.path == "/die": os._exit(7)
        elif self.path == "/broken": self.answer(500, {"title": "on fire"})
        else: self.answer(404, {"title": "Not Found", "detail": "no " + self.path})
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        calls.append([self.path, body]); self.send_response(204); self.end_headers()
    def log_message(self, *words): pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Control)
child = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
ready = {"ready": True, "at": "/dev/pts/99", "supply": "TCPIP::127.0.0.1::40123::SOCKET",
  "developer_center": "http://127.0.0.1:40124", "token": "tok", "product_key": "pk", "product_secret": "ps",
  "device_key": "dk", "control": "http://127.0.0.1:%d" % server.server_port, "child": child.pid}
"""
SERVE = FAKE + "print(json.dumps(ready), flush=True); server.serve_forever()\n"


def command(script: str) -> list[str]:
    return [sys.executable, "-c", textwrap.dedent(script)]


def gone(pid: int, limit: float = 5.0) -> bool:
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([handle], [], [], limit)[0])
    finally:
        os.close(handle)


@pytest.fixture
def rig(rig_files):
    return rig_files.load(VIRTUAL + "mcu: [{component: STM32, version: 1_0_0}]\nallow: [cuts]\n")


@pytest.fixture
def bench(rig, tmp_path):
    with benches.start(rig, log=tmp_path / "state" / "bench.log", command=command(SERVE)) as running:
        yield running


def test_its_addresses_are_filled_into_the_rig(bench):
    assert bench.rig.module.port.url == "/dev/pts/99"
    assert bench.rig.supply.visa == "TCPIP::127.0.0.1::40123::SOCKET"
    assert bench.rig.developer_center.url == "http://127.0.0.1:40124"
    assert (bench.rig.token(), bench.rig.product()) == ("tok", ("pk", "ps"))
    assert sorted(bench.rig.secrets()) == ["pk", "ps", "tok"]
    assert (bench.rig.needs_bench, bench.rig.is_virtual) == (False, True)
    assert bench.ready["device_key"] == "dk"


def test_it_is_given_the_document_of_the_contract(bench):
    document = bench.control("/document")
    assert document == {
        "schema": 1,
        "name": "bench",
        "speed": 60,
        "seed": 1,
        "state": None,
        "parent": os.getpid(),
        "module": {
            "model": "BC25",
            "flavour": "nb",
            "imei": None,
            "version": "BC25_FOTA_V1_0",
            "baudrate": 115200,
            "profile": {},
            "mcu": [{"component": "STM32", "version": "1_0_0"}],
            "transport": "pty",
            "product_key": None,
            "product_secret": None,
        },
        "supply": {"profile": "keysight-e36300", "channel": 1, "nominal": {"voltage": 3.3, "current_limit": 1.0}},
        "developer_center": {"kind": "embedded"},
        "radio": {"signal_dbm": -85.0},
        "battery_percent": None,
        "rail": {},
        "defects": [],
    }


def test_a_document_carries_what_the_rig_file_says(rig_files, tmp_path):
    text = """\
    module: {model: EC200U, product_key: pk, product_secret: ps, imei: "866123450000017", profile: {success_event: after-restart}}
    virtual:
      speed: max
      seed: 5
      version: V7
      signal_dbm: -120
      battery_percent: 12
      rail: {line_resistance_ohm: 0.1, threshold: 2.9 V}
      transport: socket
      state: keep
      defects: [a]
    """
    document = benches.document(rig_files.load(text), seed=9, defects=["b"])
    assert (document["speed"], document["seed"], document["defects"]) == ("max", 9, ["b"])
    assert document["module"]["product_secret"] == "ps"
    assert document["module"]["profile"] == {"success_event": "after-restart"}
    assert (document["module"]["version"], document["module"]["transport"]) == ("V7", "socket")
    assert (document["radio"], document["battery_percent"]) == ({"signal_dbm": -120.0}, 12)
    assert document["rail"] == {"line_resistance_ohm": 0.1, "threshold": 2.9}
    assert document["state"] == str(tmp_path / "keep")
    assert document["supply"]["nominal"] == {"voltage": 3.8, "current_limit": 2.0}
    json.dumps(document)


def test_stopping_ends_it_and_all_it_started(bench):
    child = bench.ready["child"]
    bench.stop()
    assert gone(bench.pid)
    assert gone(child)
    assert bench.died() is not None
    bench.stop()


def test_it_does_not_get_the_ctrl_c_of_the_run(bench):
    assert os.getpgid(bench.pid) == bench.pid != os.getpgid(0)


def test_one_that_will_not_stop_is_killed(rig, monkeypatch):
    monkeypatch.setattr(benches, "STOP_LIMIT", 0.3)
    deaf = SERVE.replace("import http", "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); import http", 1)
    bench = benches.start(rig, command=command(deaf))
    bench.stop()
    assert gone(bench.pid)


def test_without_a_log_file_it_leaves_none(rig, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with benches.start(rig, command=command(SERVE)) as bench:
        with pytest.raises(BenchError, match="its log: \n  starting bench"):
            bench.control("/broken")
        assert [path.name for path in tmp_path.iterdir()] == ["rigs"]


def test_a_log_that_was_asked_for_stays(bench, tmp_path):
    bench.stop()
    assert (tmp_path / "state" / "bench.log").read_text() == "starting bench\n"


class TestThatDoesNotStart:
    def error(self, rig, script: str, **options) -> str:
        with pytest.raises(BenchError) as caught:
            benches.start(rig, command=command(script), **options)
        assert caught.value.reason is Reason.BENCH_DIED
        return str(caught.value)

    def test_shows_the_end_of_its_log(self, rig):
        text = self.error(rig, "import sys; print('no port', file=sys.stderr); sys.exit(3)")
        assert text == "the virtual bench did not start (exit code 3); its log: \n  no port"

    def test_names_the_signal(self, rig):
        assert "signal SIGKILL" in self.error(rig, "import os; os.kill(os.getpid(), 9)")

    def test_has_a_time_limit_and_is_ended(self, rig, tmp_path):
        pid = tmp_path / "pid"
        script = f"""
        import os, pathlib, signal, sys
        pathlib.Path({str(pid)!r}).write_text(str(os.getpid()))
        signal.pause()
        """
        assert "is not ready after 1 s" in self.error(rig, script, limit=1.0)
        assert gone(int(pid.read_text()))

    @pytest.mark.parametrize("line", ["hello", "[]", "3", "null"])
    def test_says_what_it_said_instead(self, rig, line):
        assert "the virtual bench" in self.error(rig, f"print('{line}')")

    def test_says_what_is_missing(self, rig):
        text = self.error(rig, SERVE.replace('"token": "tok", ', "").replace('"device_key": "dk", ', ""))
        assert text == "the virtual bench did not say its token, device_key"

    def test_on_a_rig_of_hardware_is_a_mistake_of_the_caller(self, rig_files):
        with pytest.raises(ValueError, match="not virtual"):
            benches.start(rig_files.load(HARDWARE), command=command(SERVE))


class TestControl:
    def test_refuses_as_a_value_error_with_the_reason(self, bench):
        with pytest.raises(ValueError, match="GET /nothing: no /nothing"):
            bench.control("/nothing")

    def test_tells_a_failure_of_the_bench_as_its_fault(self, bench):
        with pytest.raises(BenchError, match="failed at GET /broken: on fire"):
            bench.control("/broken")

    def test_says_that_the_bench_died(self, bench):
        assert bench.died() is None
        with pytest.raises(BenchError) as caught:
            bench.control("/die")
        assert caught.value.reason is Reason.BENCH_DIED
        assert gone(bench.pid)
        assert "exit code 7" in str(bench.died())

    def test_gives_none_for_an_empty_answer(self, bench):
        assert bench.control("/clock", "POST", {"step": 1}) is None


class TestClock:
    def test_steps_and_changes_speed_and_goes_back(self, bench):
        told = []
        clock = Clock(bench, told.append)
        clock.step("2 min")
        clock.speed(1)
        clock.speed(math.inf)
        clock.restore()
        clock.restore()
        assert [body for _, body in bench.control("/calls")] == [
            {"step": 120.0},
            {"speed": 1},
            {"speed": "max"},
            {"speed": 60.0},
        ]
        assert told == [1, math.inf, 60]

    @pytest.mark.parametrize("call", [lambda c: c.step(1), lambda c: c.speed(2)])
    def test_is_only_there_on_virtual_rigs(self, call):
        with pytest.raises(ValueError, match="only a virtual rig"):
            call(Clock(None))

    @pytest.mark.parametrize("factor", [0, -1, True, math.nan, "fast"])
    def test_runs_forwards(self, bench, factor):
        with pytest.raises(ValueError, match="above 0"):
            Clock(bench).speed(factor)

    def test_restoring_without_a_change_asks_nothing(self):
        Clock(None).restore()


class TestInTheForeground:
    SCRIPT = """
    import sys
    from pytest_quecfota import rig
    from pytest_quecfota.rig import bench
    sys.exit(bench.run_in_foreground(rig.load("rigs/bench.yaml"), as_json=sys.argv[1] == "json", command=sys.argv[2:]))
    """

    @pytest.fixture
    def run(self, rig):
        """Starts the foreground; ends it whatever a test forgot."""
        started = []

        def begin(form: str = "json", script: str = SERVE) -> subprocess.Popen[str]:
            words = [*command(self.SCRIPT), form, *command(script)]
            process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            started.append(process)
            return process

        yield begin
        for process in started:
            process.kill()
            process.communicate()

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    def test_prints_one_line_and_ends_without_a_trace_when_told(self, run, number):
        process = run()
        ready = json.loads(process.stdout.readline())
        assert ready["ready"] is True
        process.send_signal(number)
        assert process.communicate(timeout=10) == ("", "")
        assert process.returncode == 0
        assert gone(ready["child"])

    def test_is_readable_for_a_person_too(self, run):
        process = run("text")
        lines = [process.stdout.readline() for _ in range(9)]
        assert "at                /dev/pts/99\n" in lines

    def test_ends_with_3_when_the_bench_dies(self, run):
        process = run("json", SERVE.replace("server.serve_forever()", "sys.exit(5)"))
        _, said = process.communicate(timeout=10)
        assert (process.returncode, "exit code 5" in said) == (3, True)

    def test_ends_with_3_when_the_bench_does_not_start(self, run):
        process = run("json", "raise SystemExit('no port left')")
        out, said = process.communicate(timeout=10)
        assert (process.returncode, out, "no port left" in said) == (3, "", True)

    def test_is_refused_for_hardware(self, rig_files, capsys):
        assert benches.run_in_foreground(rig_files.load(HARDWARE)) == 2
        assert "not virtual" in capsys.readouterr().err


@pytest.mark.parametrize("rig_name", ["virtual", "virtual-cellular"])
def test_the_real_bench_of_a_shipped_rig_keeps_the_contract(rig_name, tmp_path):
    rig = rigs.load(rig_name, Path(__file__).parents[2] / "rigs", environ={})
    with benches.start(rig, log=tmp_path / "bench.log") as bench:
        assert Path(bench.rig.module.port.url).exists()
        assert bench.control("/truth")["powered"] is True
        assert booted(bench) == f"{rig.module.model}_FOTA_V1_0"
        clock = Clock(bench)
        clock.step("1 min")
        clock.speed(1)
        clock.restore()
        with pytest.raises(ValueError, match="/clock"):
            bench.control("/clock", "POST", {"speed": -1})
    assert not Path(bench.rig.module.port.url).exists()


def booted(bench, within=10.0):
    """The version that runs, asked for until one does."""
    deadline = time.monotonic() + within
    while not (version := bench.control("/truth")["version"]) and time.monotonic() < deadline:
        pass
    return version
