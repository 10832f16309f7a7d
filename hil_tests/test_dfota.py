"""Classic upgrade without the platform (AT+QFOTADL): OTA-15."""

from __future__ import annotations

import functools
import http.server
import threading

import pytest

from pytest_quecfota import one_of, repeated, sequence, urc, where

#: The server of these tests is on this machine, where only a virtual module can reach it.
pytestmark = [pytest.mark.needs("virtual"), pytest.mark.module_time("60 min")]

stage = functools.partial(where, urc.Dfota)
PROGRESS = one_of(stage(stage="UPDATING"), stage(stage="RESTORE"))
#: END: how a package that is damaged or meant for another module is named (LTE Standard(A), EP06 and EC2x/EG9x DFOTA guides).
WRONG_PACKAGE = {502, 504, 505, 506, 507, 510, 552, 553}
HTTP_RESULTS = range(701, 731)


@pytest.fixture
def serve(tmp_path, module):
    """Put a package on a web server of this machine; returns its address."""
    if "classic_update" not in module.model.verbs:
        pytest.skip(f"nothing is known of AT+QFOTADL on {module.model.name}")
    handler = functools.partial(Quiet, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()

        def put(content):
            name = "package.bin"
            if content is not None:
                (tmp_path / name).write_bytes(content)
            return f"http://127.0.0.1:{server.server_address[1]}/{name}"

        yield put
        server.shutdown()
        thread.join()


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves files and says nothing."""

    def log_message(self, *_):
        """Nothing."""


@pytest.fixture
def online(module):
    """On the network: connected once, then left alone."""
    module.connect(mode=1)
    module.disconnect()


@pytest.mark.requirement("OTA-15")
def test_package_is_downloaded_and_installed(rig, module, events, serve, online):
    """The +QIND lines come in their order, END says 0, and the package's version runs."""
    target = rig.firmware.other_version(module.firmware_version())
    mark = events.mark()
    module.classic_update(serve(rig.firmware.image(target)))
    begun, ended = stage(stage="HTTPSTART"), stage(stage="HTTPEND", value=0)
    events.expect(sequence(begun, ended, stage(stage="START"), repeated(PROGRESS)), "45 min", since=mark)
    events.expect(sequence(stage(stage="END", value=0), urc.Ready), within="45 min", since=mark)
    module.wait_ready(since=mark)
    assert module.firmware_version() == target


@pytest.mark.requirement("OTA-15", "OTA-09")
@pytest.mark.parametrize("what", ["damaged", "another-model"])
def test_wrong_package_ends_with_a_documented_code(rig, module, events, serve, online, what):
    """END names a failure of the guides' tables, and the old version runs on."""
    running = module.firmware_version()
    target = rig.firmware.other_version(running)
    image = rig.firmware.image(target, model=None if what == "damaged" else "BC25")
    package = image[:-1] + bytes([image[-1] ^ 0xFF]) if what == "damaged" else image
    mark = events.mark()
    module.classic_update(serve(package))
    end = events.expect(stage(stage="END"), within="45 min", since=mark).urcs[-1]
    assert end.value in WRONG_PACKAGE
    module.wait_ready(since=mark)
    assert module.firmware_version() == running


@pytest.mark.requirement("OTA-15")
def test_missing_package_ends_with_a_documented_code(module, events, serve, online):
    """HTTPEND names a failure of the guides' tables, nothing is installed, and the module does not restart."""
    running = module.firmware_version()
    mark = events.mark()
    module.classic_update(serve(None))
    end = events.expect(stage(stage="HTTPEND"), within="5 min", since=mark).urcs[-1]
    assert end.value in HTTP_RESULTS
    events.expect_none(one_of(stage(stage="START"), urc.Ready), during="10 s")
    assert module.firmware_version() == running
