"""Big files, slow clients, full disks: what they cost the service, and what they leave behind.

The whole form of the downloads (50 times the whole file, not only parts of it): `QUECFOTA_CLOUD_DOWNLOADS=whole`.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import resource
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from cloud_process import CloudProcess
from shop import Shop, eventually, fresh
from south_device import SouthDevice

from pytest_quecfota.cloud.packages import PackageFiles

MEGABYTE = 1024 * 1024
SIZE = 100 * MEGABYTE
GROWTH = 100 * MEGABYTE
DOWNLOADS = 50
PATIENCE = 0.5
"""Real seconds that the service of the slow clients has."""


class Server:
    """A service of its own, with a client for people and one for devices."""

    def __init__(self, data: Path, *options: str) -> None:
        self.data = data
        self.process = CloudProcess(data, *options)
        self.http = httpx.Client(base_url=self.process.url, timeout=60, verify=False)
        self.shop = Shop(self.http, self.process.token, self.http)
        self.shop.ok("GET", "/projects")  # the connection that stays open is there from the beginning
        host, port = self.process.url.removeprefix("http://").split(":")
        self.address = (host, int(port))

    def peak(self) -> int:
        """The most memory the process has had since the last `forget_peak`, in bytes."""
        status = Path(f"/proc/{self.process.process.pid}/status").read_text()
        fields = dict(line.split(":", 1) for line in status.splitlines())
        return int(fields["VmHWM"].split()[0]) * 1024

    def descriptors(self) -> int:
        return len(list(Path(f"/proc/{self.process.process.pid}/fd").iterdir()))

    def stored(self) -> tuple[int, list[str], list[str]]:
        total = self.shop.ok("GET", "/packages")["total"]
        return total, *(sorted(f.name for f in (self.data / name).iterdir()) for name in ("files", "incoming"))

    def close(self) -> None:
        self.http.close()
        assert self.process.stop() == (0, "")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    started = Server(tmp_path_factory.mktemp("traffic"))
    yield started
    started.close()


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    started = Server(tmp_path_factory.mktemp("impatient"), "--patience", str(PATIENCE))
    yield started
    started.close()


def content() -> Iterator[bytes]:
    """100 MB of which no megabyte is like another."""
    for number in range(SIZE // MEGABYTE):
        yield hashlib.sha256(b"%d" % number).digest() * (MEGABYTE // 32)


def upload(server: Server) -> dict[str, Any]:
    """Sends the file as a client does that does not have it in memory either."""
    fields = {"name": fresh("big"), "component_type": "module", "target_version": "V2"}
    head = b"".join(
        b'--b\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (k.encode(), v.encode())
        for k, v in fields.items()
    )
    head += b'--b\r\nContent-Disposition: form-data; name="files"; filename="big.bin"\r\n\r\n'

    def body() -> Iterator[bytes]:
        yield head
        yield from content()
        yield b"\r\n--b--\r\n"

    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    answer = server.shop.call("POST", "/api/v1/packages", content=body(), headers=headers)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def parts(number: int) -> list[tuple[int, int]]:
    """What the download of this number fetches: its own two megabytes of the file, or all of it."""
    if os.environ.get("QUECFOTA_CLOUD_DOWNLOADS") == "whole":
        return [(first, first + MEGABYTE) for first in range(0, SIZE, MEGABYTE)]
    share = SIZE // DOWNLOADS
    middle = number * share + share // 3
    return [(number * share, middle), (middle, (number + 1) * share)]


def download(device: SouthDevice, digest: str, number: int, base: str) -> list[tuple[int, bytes]]:
    """Each part over two connections: the first is lost in the middle, the second goes on there by range and ETag."""
    found = []
    with httpx.Client(base_url=base, timeout=60, verify=False) as http:
        for first, end in parts(number):
            headers = {"Authorization": f"Bearer {device.session}", "Range": f"bytes={first}-{end - 1}"}
            with http.stream("GET", f"/south/v1/files/{digest}", headers=headers) as answer:
                assert answer.status_code == 206
                tag = answer.headers["etag"]
                begun = next(answer.iter_bytes(1000))
            headers |= {"Range": f"bytes={first + len(begun)}-{end - 1}", "If-Range": tag}
            rest = http.get(f"/south/v1/files/{digest}", headers=headers)
            assert rest.status_code == 206
            found.append((first, begun + rest.content))
    return found


@pytest.mark.timeout(300)
def test_a_big_upload_and_fifty_downloads_by_ranges_do_not_grow_the_memory(server: Server) -> None:
    product = server.shop.product()
    devices = [server.shop.device(product).up() for _ in range(DOWNLOADS)]
    before = server.peak()
    package = upload(server)
    assert package["size"] == SIZE
    digest = package["files"][0]["sha256"]
    after_upload = server.peak()
    with contextlib.ExitStack() as stack:
        for device in devices:  # who has asked for all of it and reads nothing, all at the same time
            stalled = stack.enter_context(socket.create_connection(server.address, timeout=30))
            head = f"GET /south/v1/files/{digest} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {device.session}\r\n\r\n"
            stalled.sendall(head.encode())
            assert stalled.recv(12) == b"HTTP/1.1 200"
        with ThreadPoolExecutor(8) as pool:
            answers = pool.map(lambda n: download(devices[n], digest, n, server.process.url), range(DOWNLOADS))
            pieces = {first: hashlib.sha256(data).digest() for answer in answers for first, data in answer}
    grown = server.peak() - before
    print(f"upload {(after_upload - before) / MEGABYTE:.1f} MiB, with {DOWNLOADS} downloads {grown / MEGABYTE:.1f} MiB")
    assert grown < GROWTH
    whole = b"".join(content())
    assert hashlib.sha256(whole).hexdigest() == digest
    wanted = {first: hashlib.sha256(whole[first:end]).digest() for n in range(DOWNLOADS) for first, end in parts(n)}
    assert pieces == wanted


@pytest.mark.parametrize(
    "start",
    [
        b"POST /api/v1/proj",
        b"",
        b"POST /api/v1/projects HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{",
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\nGET /",
    ],
    ids=["half-a-head", "nothing", "half-a-body", "half-a-second-head"],
)
def test_a_client_that_does_not_go_on_is_let_go(impatient: Server, start: bytes) -> None:
    idle = impatient.descriptors()
    with contextlib.ExitStack() as stack:
        slow = [stack.enter_context(socket.create_connection(impatient.address, timeout=10)) for _ in range(30)]
        for connection in slow:
            connection.sendall(start)
        for connection in slow:
            answers = b""
            while piece := connection.recv(65536):
                answers += piece
            assert b"HTTP/1.1 408" in answers
            assert b"application/problem+json" in answers
        assert eventually(lambda: impatient.descriptors() <= idle + 1, True)


def test_an_upload_that_does_not_go_on_is_refused_and_leaves_nothing(impatient: Server) -> None:
    before = impatient.stored()
    with socket.create_connection(impatient.address, timeout=10) as connection:
        head = f"POST /api/v1/packages HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {impatient.process.token}\r\n"
        head += "Content-Length: 5000\r\nContent-Type: multipart/form-data; boundary=b\r\n\r\n"
        head += '--b\r\nContent-Disposition: form-data; name="files"; filename="a.bin"\r\n\r\nhalf an image'
        connection.sendall(head.encode())
        answer = connection.recv(65536)
    assert answer.startswith(b"HTTP/1.1 408")
    assert b"application/problem+json" in answer
    assert impatient.stored() == before


def test_a_client_that_trickles_is_let_go_as_well(impatient: Server) -> None:
    begin = time.monotonic()
    with socket.create_connection(impatient.address, timeout=PATIENCE / 10) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nX-Slow: ")
        answer = b""
        while not answer:
            assert time.monotonic() - begin < 20 * PATIENCE, "what trickles in prolongs nothing"
            with contextlib.suppress(TimeoutError, socket.timeout, BrokenPipeError, ConnectionResetError):
                connection.sendall(b"a")
                answer = connection.recv(1000)
        assert answer.startswith(b"HTTP/1.1 408")


def test_a_client_that_does_not_read_its_answer_is_let_go(impatient: Server) -> None:
    shop = impatient.shop
    digest = shop.package(content=bytes(20 * MEGABYTE))["files"][0]["sha256"]
    device = shop.device(shop.product()).up()
    idle = impatient.descriptors()
    with socket.create_connection(impatient.address, timeout=10) as connection:
        head = f"GET /south/v1/files/{digest} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {device.session}\r\n\r\n"
        connection.sendall(head.encode())
        assert connection.recv(12) == b"HTTP/1.1 200"
        assert eventually(lambda: impatient.descriptors() <= idle, True)
    assert shop.ok("GET", "/projects")["total"] == 0


def test_who_keeps_to_the_rules_is_not_hurried(impatient: Server) -> None:
    """Neither an open poll, nor a stream of events, nor a connection between two requests is what `patience` bounds."""
    shop = impatient.shop
    product = shop.product()
    plan = shop.plan(product)
    with httpx.Client(base_url=impatient.process.url, timeout=10, verify=False) as http:
        device = SouthDevice(http, product, fresh("device")).up()
        assert device.poll(3 * PATIENCE) == []
        assert device.request()
    headers = {"Authorization": f"Bearer {shop.token}"}
    with (
        httpx.Client(base_url=impatient.process.url, timeout=10, verify=False) as http,
        http.stream("GET", f"/api/v1/plans/{plan['id']}/events", headers=headers) as stream,
    ):
        lines = stream.iter_lines()
        assert next(lines) == "event: plan"
        assert device_polls(impatient, product, 3 * PATIENCE) == []
        shop.act(plan, "suspend")
        assert any('"status":"Suspended"' in line for line in lines)


def device_polls(server: Server, product: dict[str, Any], seconds: float) -> Any:
    return server.shop.device(product).up().poll(seconds)


@contextlib.contextmanager
def a_disk_of(server: Server, size: int) -> Iterator[None]:
    """No file of the service can grow beyond this size, as on a disk that is full."""
    pid = server.process.process.pid
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, before)


def test_an_upload_to_a_full_disk_is_refused_and_leaves_nothing(server: Server) -> None:
    before = server.stored()
    fields = {"name": fresh("full"), "component_type": "module", "target_version": "V2"}
    with a_disk_of(server, MEGABYTE):
        for size in (3 * MEGABYTE, MEGABYTE + 1):  # full in the middle, full with the last bytes
            answer = server.shop.call(
                "POST", "/api/v1/packages", data=fields, files=[("files", ("a.bin", bytes(size)))]
            )
            assert (answer.status_code, answer.headers["content-type"]) == (507, "application/problem+json"), (
                answer.text
            )
            assert "disk" in answer.json()["detail"]
        assert server.stored() == before
    package = server.shop.ok("POST", "/packages", data=fields, files=[("files", ("a.bin", bytes(3 * MEGABYTE)))])
    assert package["name"] == fields["name"], "once there is room the same upload succeeds"


def test_a_data_base_on_a_full_disk_keeps_no_file_of_a_package_without_a_row(server: Server) -> None:
    server.shop.package(content=b"there before")
    before = server.stored()
    fields = {"name": fresh("full"), "component_type": "module", "target_version": "V2"}
    with a_disk_of(server, 4096):
        answer = server.shop.call("POST", "/api/v1/packages", data=fields, files=[("files", ("a.bin", b"small"))])
        assert answer.status_code == 507, answer.text
        assert server.shop.call("POST", "/api/v1/projects", json={"name": "x"}).status_code == 507
    assert server.stored() == before
    assert server.shop.ok("POST", "/packages", data=fields, files=[("files", ("a.bin", b"small"))])["size"] == 5


def test_a_service_killed_in_the_middle_of_an_upload_has_nothing_of_it_afterwards(tmp_path: Path) -> None:
    server = Server(tmp_path)
    server.shop.package(content=b"there before")
    before = server.stored()
    with socket.create_connection(server.address, timeout=10) as connection:
        head = f"POST /api/v1/packages HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {server.process.token}\r\n"
        head += f"Content-Length: {SIZE}\r\nContent-Type: multipart/form-data; boundary=b\r\n\r\n"
        head += '--b\r\nContent-Disposition: form-data; name="files"; filename="a.bin"\r\n\r\n'
        connection.sendall(head.encode() + bytes(MEGABYTE))
        incoming = tmp_path / "incoming"
        assert eventually(lambda: sum(f.stat().st_size for f in incoming.iterdir()) > MEGABYTE // 2, True)
        server.process.kill()
        server.http.close()
    again = Server(tmp_path)
    assert again.stored() == before
    again.close()


def test_what_does_not_fit_any_more_is_forgotten_without_a_word(tmp_path: Path) -> None:
    """The last bytes of a file wait in memory; that they cannot be written either does not keep the file."""
    incoming = PackageFiles(tmp_path).receive("a.bin")
    incoming._file.close()
    incoming._file = open("/dev/full", "wb")  # noqa: PTH123, SIM115
    incoming.write(b"the last bytes")
    incoming.discard()
    assert incoming._file.closed
    assert list((tmp_path / "incoming").iterdir()) == []
