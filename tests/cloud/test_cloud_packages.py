"""Version packages: what is taken, what is refused and leaves nothing, how files are served."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest
from cloud_process import CloudProcess
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shop import Shop, eventually, fresh

LIMIT = 100 * 1024 * 1024
FILE = ("files", ("image.bin", b"firmware"))


def fields(**more: Any) -> dict[str, Any]:
    return {"name": fresh("package"), "component_type": "module", "target_version": "V2", **more}


@pytest.fixture
def stored(service: CloudProcess, shop: Shop) -> Any:
    """What the platform holds: packages, and files on disk."""
    data = Path(service.process.args[service.process.args.index("--data") + 1])  # type: ignore[union-attr, index]

    def look() -> tuple[int, list[str], list[str]]:
        total = shop.ok("GET", "/packages")["total"]
        return total, *(sorted(file.name for file in (data / name).iterdir()) for name in ("files", "incoming"))

    return look


def test_a_package_is_returned_whole_with_its_id(shop: Shop) -> None:
    wanted = fields(package_type="delta", source_version="V1", remarks="nightly")
    package = shop.ok("POST", "/packages", data=wanted, files=[FILE])
    assert {name: package[name] for name in wanted} == wanted
    assert isinstance(package["id"], str)
    assert (package["state"], package["size"]) == ("Not Verified", 8)
    assert shop.ok("GET", f"/packages/{package['id']}") == package


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"name": ""}, "name"),
        ({"name": "n" * 101}, "name"),
        ({"target_version": "V 2"}, "target_version"),
        ({"target_version": ""}, "target_version"),
        ({"source_version": "V1;", "package_type": "delta"}, "source_version"),
        ({"package_type": "delta"}, "needs a source_version"),
        ({"source_version": "V1"}, "delta packages only"),
        ({"package_type": "half"}, "package_type"),
        ({"component_type": "bluetooth"}, "component_type"),
        ({"remarks": "r" * 201}, "remarks"),
        ({"colour": "blue"}, "colour"),
    ],
)
def test_a_wrong_field_is_refused_and_nothing_is_stored(
    shop: Shop, stored: Any, more: dict[str, str], why: str
) -> None:
    before = stored()
    assert why in shop.refused(422, "POST", "/packages", data=fields(**more), files=[FILE])
    assert stored() == before


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ([], "files"),
        ([("files", ("image.exe", b"x"))], "accepted formats"),
        ([FILE, ("files", ("notes.txt", b"x"))], "accepted formats"),
        ([("files", (f"{n}.bin", b"%d" % n)) for n in range(6)], "at most 5 files"),
        ([("images", ("a.bin", b"x"))], "sent as `files`"),
        ([("files", ("a.bin", b""))], "empty"),
    ],
)
def test_wrong_files_are_refused_and_nothing_is_stored(shop: Shop, stored: Any, files: Any, why: str) -> None:
    before = stored()
    parts = [(name, (None, value)) for name, value in fields().items()] + files
    assert why in shop.refused(422, "POST", "/packages", files=parts)
    assert stored() == before


def test_five_files_of_the_documented_formats_are_taken(shop: Shop) -> None:
    names = ["a.bin", "b.tar.gz", "c.pack", "d.mini_1", "e.s19"]
    package = shop.ok("POST", "/packages", data=fields(), files=[("files", (n, n.encode())) for n in names])
    assert [file["name"] for file in package["files"]] == names


def test_a_file_over_100_mb_is_refused_and_nothing_is_stored(shop: Shop, stored: Any) -> None:
    before = stored()
    image = ("files", ("image.bin", bytes(LIMIT + 1)))
    assert "100 MB" in shop.refused(413, "POST", "/packages", data=fields(), files=[image], timeout=60)
    assert stored() == before


def test_a_name_is_taken_once(shop: Shop, stored: Any) -> None:
    wanted = fields()
    shop.ok("POST", "/packages", data=wanted, files=[FILE])
    before = stored()
    other = ("files", ("image.bin", b"other content"))
    assert wanted["name"] in shop.refused(409, "POST", "/packages", data=wanted, files=[other])
    assert stored() == before


def test_path_names_lead_nowhere(shop: Shop) -> None:
    image = ("files", ("../../../../tmp/evil.bin", b"evil"))
    package = shop.ok("POST", "/packages", data=fields(), files=[image])
    assert package["files"][0]["name"] == "evil.bin"
    assert not Path("/tmp/evil.bin").exists()


def test_an_upload_that_breaks_off_leaves_nothing(service: CloudProcess, shop: Shop, stored: Any) -> None:
    before = stored()
    host, port = service.url.removeprefix("http://").split(":")
    head = (
        f"POST /api/v1/packages HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {shop.token}\r\nContent-Length: 5000\r\n"
        "Content-Type: multipart/form-data; boundary=b\r\n\r\n"
        '--b\r\nContent-Disposition: form-data; name="files"; filename="a.bin"\r\n\r\nhalf an image'
    )
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(head.encode())
        assert shop.ok("GET", "/packages")["total"] == before[0]
    assert eventually(stored, before)


@pytest.mark.parametrize("kind", ["application/json", "multipart/form-data", "multipart/form-data; boundary=", ""])
def test_what_is_no_form_is_refused(shop: Shop, kind: str) -> None:
    headers = {"Authorization": f"Bearer {shop.token}", "Content-Type": kind}
    answer = shop.http.post("/api/v1/packages", content=b"{}", headers=headers)
    assert answer.status_code == 415


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary(max_size=300), tail=st.sampled_from([b"", b"--b--\r\n", b"\r\n--b--\r\n"]))
def test_any_bytes_as_a_form_are_refused_without_a_trace(shop: Shop, stored: Any, body: bytes, tail: bytes) -> None:
    before = stored()
    headers = {"Authorization": f"Bearer {shop.token}", "Content-Type": "multipart/form-data; boundary=b"}
    start = b'--b\r\nContent-Disposition: form-data; name="files"; filename="a.bin"\r\n\r\n'
    answer = shop.http.post("/api/v1/packages", content=start + body + tail, headers=headers)
    assert answer.status_code in {400, 413, 422}
    assert stored() == before


def test_equal_files_are_stored_once_and_go_with_the_last_package(shop: Shop, stored: Any) -> None:
    image = ("files", ("image.bin", b"shared " + fresh("x").encode()))
    one, two = (shop.ok("POST", "/packages", data=fields(), files=[image]) for _ in range(2))
    digest = one["files"][0]["sha256"]
    shop.ok("DELETE", f"/packages/{one['id']}")
    assert digest in stored()[1]
    shop.ok("DELETE", f"/packages/{two['id']}")
    assert digest not in stored()[1]
    shop.refused(404, "GET", f"/packages/{two['id']}")


def test_a_package_that_a_plan_uses_stays(shop: Shop) -> None:
    plan = shop.plan(shop.product(), activate=False)
    package = plan["components"][0]["package"]
    assert plan["name"] in shop.refused(409, "DELETE", f"/packages/{package}")
    shop.ok("DELETE", f"/plans/{plan['id']}")
    shop.ok("DELETE", f"/packages/{package}")


@pytest.mark.parametrize(
    ("header", "status", "part"),
    [
        ("bytes=0-9", 206, slice(0, 10)),
        ("bytes=990-", 206, slice(990, 1000)),
        ("bytes=-10", 206, slice(990, 1000)),
        ("bytes=990-5000", 206, slice(990, 1000)),
        ("bytes=1000-", 416, None),
        ("bytes=5-4", 416, None),
        ("bytes=-0", 416, None),
        ("bytes=-", 200, slice(0, 1000)),
        ("lines=1-2", 200, slice(0, 1000)),
        ("bytes=0-1,5-6", 200, slice(0, 1000)),
    ],
)
def test_ranges_of_a_file(shop: Shop, header: str, status: int, part: slice | None) -> None:
    content = bytes(i % 251 for i in range(1000))
    package = shop.package(content=content)
    device = shop.device(shop.product()).up()
    digest = package["files"][0]["sha256"]
    answer = device.call("GET", f"/files/{digest}", headers={"Range": header})
    assert answer.status_code == status
    assert answer.headers["etag"] == f'"{digest}"'
    if part is not None:
        assert answer.content == content[part]
    if status == 206:
        assert answer.headers["content-range"] == f"bytes {part.start}-{part.stop - 1}/1000"  # type: ignore[union-attr]


def test_resuming_by_etag(shop: Shop) -> None:
    package = shop.package(content=b"0123456789")
    device = shop.device(shop.product()).up()
    digest = package["files"][0]["sha256"]
    same = device.call("GET", f"/files/{digest}", headers={"Range": "bytes=5-", "If-Range": f'"{digest}"'})
    assert (same.status_code, same.content) == (206, b"56789")
    other = device.call("GET", f"/files/{digest}", headers={"Range": "bytes=5-", "If-Range": '"another"'})
    assert (other.status_code, other.content) == (200, b"0123456789")
    assert device.call("GET", f"/files/{digest}", headers={"If-None-Match": f'"{digest}"'}).status_code == 304


def test_files_are_for_connected_devices_only(shop: Shop) -> None:
    digest = shop.package()["files"][0]["sha256"]
    assert shop.south.get(f"/south/v1/files/{digest}").status_code == 401
    device = shop.device(shop.product()).up()
    assert device.call("GET", "/files/..%2f..%2fcenter.sqlite").status_code == 404
    assert device.call("GET", f"/files/{'0' * 64}").status_code == 404


def test_a_verification_succeeds_on_the_reported_version(shop: Shop) -> None:
    product = shop.product()
    device = shop.device(product).up()
    package, identifier = shop.package(), shop.component()
    wanted = {"dk": device.dk, "component": identifier}
    assert shop.ok("POST", f"/packages/{package['id']}/verify", json=wanted)["state"] == "Verifying"
    shop.refused(409, "POST", f"/packages/{package['id']}/verify", json=wanted)
    (message,) = device.poll(5)
    device.upgrade(message["tasks"][0])
    shown = shop.ok("GET", f"/packages/{package['id']}")
    assert (shown["state"], shown["verification"]["state"]) == ("Verified", "Verified")


def test_a_verification_fails_with_the_device(shop: Shop) -> None:
    device = shop.device(shop.product()).up()
    package = shop.package()
    shop.ok("POST", f"/packages/{package['id']}/verify", json={"dk": device.dk, "component": shop.component()})
    (message,) = device.poll(5)
    device.told(message["tasks"][0], "received", "confirmed", "downloading", "failed")
    shown = shop.ok("GET", f"/packages/{package['id']}")
    assert (shown["state"], shown["verification"]["state"]) == ("Not Verified", "Failed")


def test_a_verification_needs_an_online_device(shop: Shop) -> None:
    device = shop.device(shop.product()).authenticate()
    package, identifier = shop.package(), shop.component()
    path = f"/packages/{package['id']}/verify"
    assert "offline" in shop.refused(409, "POST", path, json={"dk": device.dk, "component": identifier})
    shop.refused(404, "POST", path, json={"dk": "nosuchdevice", "component": identifier})
