"""A port that ser2net serves: the way most farms share theirs."""

from __future__ import annotations

import shutil
import socket
import subprocess
import threading

import pytest

from pytest_quecfota import urc
from pytest_quecfota.link.port import PortSpec
from pytest_quecfota.link.reopening import Reopening
from pytest_quecfota.link.wire import Wire

pytestmark = [
    pytest.mark.external,
    pytest.mark.skipif(shutil.which("ser2net") is None, reason="ser2net is not installed"),
]

CONFIG = """\
connection: &module
  accepter: telnet(rfc2217),tcp,127.0.0.1,{port}
  connector: serialdev,{device},115200n81,local
  options: {{kickolduser: true, chardelay: false}}
"""


@pytest.fixture
def serve(peer, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    config = tmp_path / "ser2net.yaml"
    config.write_text(CONFIG.format(port=port, device=peer.path))
    servers = []

    def start():
        servers.append(subprocess.Popen([shutil.which("ser2net"), "-n", "-c", str(config)], stderr=subprocess.DEVNULL))
        return servers[-1]

    start.spec = PortSpec(f"rfc2217://127.0.0.1:{port}?ign_set_control")
    yield start
    for server in servers:
        server.terminate()
        server.wait(5)


def test_a_module_behind_ser2net_is_read_written_and_found_again(serve, peer, record):
    server = serve()
    Reopening(serve.spec, 5.0, 0.0).wait(threading.Event(), OSError("it has just been started")).close()
    with Wire(serve.spec, record, reopen_within=8, settle=0.0) as wire:
        wire.write(b"AT\r")
        peer.hear(b"AT\r")
        payload = bytes(range(256)) * 20
        peer.say(payload + b"\r\n+QIOTEVT: 7,10702\r\n")
        record.wait(lambda record: record.urcs == [urc.Downloading()])
        assert bytes(record.raw).startswith(payload)
        server.terminate()
        server.wait(5)
        record.wait(lambda record: record.notes() == ["port vanished"])
        serve()
        record.wait(lambda record: record.notes() == ["port vanished", "port returned"], seconds=8)
        peer.say(b"+QIOTEVT: 7,10703\r\n")
        record.wait(lambda record: record.urcs[-1] == urc.Downloaded())
