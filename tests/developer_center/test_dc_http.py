"""Calls to a Developer Center: what goes over the wire, and that everything that goes wrong is one kind of bench fault."""

from __future__ import annotations

import contextlib
import os
import socket
import threading

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tiny_platform import Answer

from pytest_quecfota.developer_center.http import Api
from pytest_quecfota.errors import BenchError, DeveloperCenterError, Reason

TOKEN = "t0p-s3cret-token"


def test_the_token_goes_with_every_call(platform, api):
    api.get("/plans")
    api.post("/plans", {"name": "p"})
    assert {request.headers["authorization"] for request in platform.requests} == {f"Bearer {TOKEN}"}
    assert [(r.method, r.path) for r in platform.requests] == [("GET", "/api/v1/plans"), ("POST", "/api/v1/plans")]


def test_json_goes_and_comes(platform, api):
    platform.answers = lambda request: Answer(201, {"id": "7", "echo": request.json})
    assert api.post("/plans", {"name": "größer", "n": 1}) == {"id": "7", "echo": {"name": "größer", "n": 1}}
    assert platform.requests[0].headers["content-type"] == "application/json"


def test_an_empty_answer_is_none(platform, api):
    platform.always(Answer(204))
    assert api.post("/plans/7/activate") is None
    assert platform.requests[0].body == b""


def test_calls_share_one_connection(platform, api):
    for _ in range(5):
        api.get("/plans")
    assert len({request.connection for request in platform.requests}) == 1


def test_a_base_path_is_kept(platform):
    with contextlib.closing(Api(platform.url + "/center/", TOKEN)) as api:
        api.get("/plans")
    assert platform.requests[0].path == "/center/api/v1/plans"


def test_a_kept_connection_that_was_dropped_meanwhile_is_opened_again(platform, api):
    platform.always(Answer(body={}, drop=True))
    api.get("/plans")
    platform.always(Answer(body={"id": 1}))
    assert api.post("/plans", {"name": "p"}) == {"id": 1}
    assert len(platform.requests) == 2, "nothing was sent twice"


def test_a_platform_that_cuts_every_connection_is_a_bench_fault_and_not_an_endless_loop(platform, api):
    api.get("/plans")
    platform.always(Answer(cut=True))
    with pytest.raises(DeveloperCenterError, match="cannot be reached"):
        api.get("/plans")
    assert len(platform.requests) <= 3


def test_a_platform_that_is_not_there_is_unreachable(platform):
    address = platform.url
    platform.close()
    with contextlib.closing(Api(address, TOKEN, limit=2)) as api, pytest.raises(DeveloperCenterError) as caught:
        api.get("/components")
    assert caught.value.reason is Reason.PLATFORM_UNREACHABLE
    assert address in str(caught.value)
    assert "GET /api/v1/components" in str(caught.value)


def test_a_platform_that_never_answers_is_unreachable_after_the_limit():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with contextlib.closing(Api(url, TOKEN, limit=0.2)) as api, pytest.raises(DeveloperCenterError) as caught:
            api.get("/components")
    assert caught.value.reason is Reason.PLATFORM_UNREACHABLE


@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_server_error_is_a_bench_fault_with_the_servers_words(platform, api, status):
    platform.always(Answer(status, {"title": "Internal", "detail": "the database is on fire"}))
    with pytest.raises(BenchError, match=rf"answered {status} to GET /plans: the database is on fire") as caught:
        api.get("/plans")
    assert caught.value.status == status
    assert caught.value.reason is Reason.PLATFORM_REFUSED


@pytest.mark.parametrize(
    "body",
    [None, b"<html>no</html>", b"\xff\xfe", [], {"title": "T0p"}, {"detail": f"unknown token {TOKEN}"}],
    ids=repr,
)
def test_a_refused_token_is_told_without_the_token(platform, api, body):
    platform.always(Answer(401, body))
    with pytest.raises(DeveloperCenterError, match="401") as caught:
        api.get("/plans")
    assert TOKEN not in str(caught.value)
    assert TOKEN not in repr(caught.value)
    assert caught.value.status == 401


@pytest.mark.parametrize("answer", [Answer(200, b"<html>Please log in</html>"), Answer(302), Answer(200, b"\xff\xfe{")])
def test_an_answer_that_is_no_developer_centers_is_a_bench_fault(platform, api, answer):
    """A proxy or a captive portal in between."""
    platform.always(answer)
    with pytest.raises(DeveloperCenterError, match="GET /plans"):
        api.get("/plans")


def test_an_answer_that_is_no_http_is_a_bench_fault():
    def babble() -> None:
        connection, _ = server.accept()
        with connection:
            connection.recv(4096)
            connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=babble)
        thread.start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        with contextlib.closing(Api(url, TOKEN, limit=2)) as api, pytest.raises(DeveloperCenterError):
            api.get("/plans")
        thread.join(5)


@pytest.mark.parametrize("url", ["", "127.0.0.1:8080", "ftp://here", "http://", "http://here:99999"])
def test_an_address_that_is_none_is_told_so(url):
    with pytest.raises(DeveloperCenterError, match="no address of a Developer Center") as caught:
        Api(url, TOKEN)
    assert caught.value.reason is Reason.CONFIGURATION


@pytest.mark.parametrize("token", ["line\nbreak", "t\u00f6ken\u2026"])
def test_a_token_that_no_header_can_carry_is_told_without_it(platform, token):
    with pytest.raises(DeveloperCenterError) as caught:
        Api(platform.url, token)
    assert token not in str(caught.value)
    assert caught.value.reason is Reason.CONFIGURATION


def test_a_package_is_uploaded_as_a_form_with_its_files(platform, api):
    image, patch = os.urandom(70_000), b"--\r\n\r\n--boundary\r\n"
    api.upload("/packages", {"name": "größer", "package_type": "full"}, [("a.bin", image), ("b.bin", patch)])
    assert platform.requests[0].headers["content-type"].startswith("multipart/form-data; boundary=")
    assert platform.requests[0].form == [
        ("name", None, "größer".encode()),
        ("package_type", None, b"full"),
        ("files", "a.bin", image),
        ("files", "b.bin", patch),
    ]


@given(content=st.binary(max_size=200))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_bytes_a_file_has_they_arrive(platform, api, content):
    api.upload("/packages", {}, [("f.bin", content)])
    assert platform.requests[-1].form == [("files", "f.bin", content)]


def test_threads_take_turns_on_the_one_connection(platform, api):
    platform.answers = lambda request: Answer(body={"path": request.path})
    wrong = []

    def ask(name: str) -> None:
        wrong.extend(name for _ in range(20) if api.get(name)["path"] != f"/api/v1{name}")

    threads = [threading.Thread(target=ask, args=(f"/plans/{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert wrong == []
    assert len(platform.requests) == 80
