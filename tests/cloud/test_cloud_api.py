"""The API as such: who may call, how errors look, what OpenAPI says."""

from __future__ import annotations

import contextlib
import importlib
import json
import pkgutil
import re
import socket
import time
from typing import Any
from urllib.parse import urljoin

import pytest
from cloud_process import CloudProcess
from fastapi import APIRouter
from fastapi.routing import APIRoute
from shop import Shop

from pytest_quecfota.cloud import api, south
from pytest_quecfota.cloud.api import page

METHODS = {"get", "post", "put", "patch", "delete"}


@pytest.fixture
def schema(shop: Shop) -> dict[str, Any]:
    return dict(shop.http.get("/openapi.json").json())


def calls(schema: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [(m, p, call) for p, item in schema["paths"].items() for m, call in item.items() if m in METHODS]


def test_nothing_is_readable_without_a_token(shop: Shop, schema: dict[str, Any]) -> None:
    for method, path, _ in calls(schema):
        if path.endswith(("/authenticate", "/connect")):
            continue
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic YTpi"}, {"Authorization": "x"}):
            answer = shop.http.request(method, path.replace("{", "").replace("}", ""), headers=headers)
            assert answer.status_code == 401, (method, path)
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.headers["www-authenticate"] == "Bearer"


def test_what_is_not_described_is_the_page_only() -> None:
    """So that the test above has seen every route there is."""
    modules = [importlib.import_module(found.name) for found in pkgutil.iter_modules(api.__path__, f"{api.__name__}.")]
    routers = {id(r): r for module in [south, *modules] for r in vars(module).values() if isinstance(r, APIRouter)}
    assert len(routers) > 10
    hidden = {
        route.path
        for router in routers.values()
        for route in router.routes
        if isinstance(route, APIRoute) and not (route.include_in_schema and router.include_in_schema)
    }
    assert hidden == {"/", "/web/{name:path}"}


@pytest.mark.parametrize("path", ["/", "/web/app.js", "/openapi.json"])
def test_what_is_open_to_all_holds_no_data(shop: Shop, path: str) -> None:
    product, device = shop.product(), None
    device = shop.device(product).up()
    text = shop.http.get(path).text
    for told in (product["name"], product["product_key"], product["product_secret"], device.dk, shop.token):
        assert not re.search(rf"\b{re.escape(told)}\b", text)


def test_every_call_is_described_with_its_errors_as_problems(schema: dict[str, Any]) -> None:
    names = set(schema["components"]["schemas"])
    for method, path, call in calls(schema):
        assert call.get("description"), (method, path)
        responses = call["responses"]
        errors = {status: answer for status, answer in responses.items() if status >= "400"}
        assert {"401", "422"} <= set(errors), (method, path)
        for answer in errors.values():
            assert list(answer["content"]) == ["application/problem+json"], (method, path)
    used = set(json.dumps(schema).split("#/components/schemas/")[1:])
    assert {text.split('"')[0] for text in used} <= names


def test_what_a_path_allows_is_said_whole(shop: Shop) -> None:
    for path, allowed in (("/api/v1/plans", "GET, POST"), ("/api/v1/plans/1", "DELETE, GET, PATCH")):
        answer = shop.call("OPTIONS", path)
        assert (answer.status_code, answer.headers["allow"]) == (405, allowed)


@pytest.mark.parametrize("body", [b"{", b"\xff\xfe", b"[]", b'{"name": 5}', b'{"name": "a", "name2": true}', b""])
def test_a_body_that_is_none_is_a_problem(shop: Shop, body: bytes) -> None:
    headers = {"Authorization": f"Bearer {shop.token}", "Content-Type": "application/json"}
    answer = shop.http.post("/api/v1/projects", content=body, headers=headers)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"


def test_bodies_have_examples(schema: dict[str, Any]) -> None:
    for method, path, call in calls(schema):
        body = call.get("requestBody", {}).get("content", {}).get("application/json")
        if body and not path.startswith(("/south", "/v2")):
            name = body["schema"]["$ref"].rsplit("/", 1)[-1]
            assert schema["components"]["schemas"][name].get("examples"), (method, path)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("GET", "/api/v1/plans/", 404),
        ("GET", "/web/../service.py", 404),
        ("GET", "/web/..%2Fservice.py", 404),
        ("GET", "/api/v1/plans/7777777", 404),
        ("GET", "/api/v1/plans/abc", 404),
        ("GET", "/api/v1/packages/99999999999999999999", 404),
        ("GET", "/api/v1/products/nosuch/devices", 404),
        ("PUT", "/api/v1/plans", 405),
        ("GET", "/api/v1/plans?limit=0", 422),
        ("GET", "/api/v1/plans?status=Sleeping", 422),
        ("POST", "/api/v1/projects", 422),
    ],
)
def test_errors_are_problems(shop: Shop, method: str, path: str, status: int) -> None:
    answer = shop.call(method, path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert (problem["status"], problem["type"]) == (status, "about:blank")
    assert problem["detail"]


def test_projects_and_products_are_returned_whole(shop: Shop) -> None:
    project = shop.ok("POST", "/projects", json={"name": "meters"})
    product = shop.ok("POST", "/products", json={"name": "water", "project": project["id"]})
    assert (project["name"], product["project"]) == ("meters", project["id"])
    assert shop.ok("GET", f"/products/{product['product_key']}") == product
    assert project in shop.ok("GET", "/projects")["items"]
    assert product in shop.ok("GET", "/products")["items"]
    again = {"name": "water", "product_key": product["product_key"]}
    shop.refused(409, "POST", "/products", json=again)
    shop.refused(404, "POST", "/products", json={"name": "x", "project": "777777"})
    shop.refused(422, "POST", "/projects", json={"name": "x", "nmae": "y"})


def test_the_page_says_what_this_is(shop: Shop) -> None:
    answer = shop.http.get("/")
    assert answer.headers["content-type"].startswith("text/html")
    assert "Developer Center" in answer.text


def test_the_page_lets_nothing_in_from_elsewhere(shop: Shop) -> None:
    answer = shop.http.get("/")
    policy = answer.headers["content-security-policy"].split("; ")
    assert "default-src 'none'" in policy
    assert {source for rule in policy[1:] for source in rule.split(" ")[1:]} <= {"'self'", "'none'", "'script'"}
    parts = re.findall(r'(?:src|href)="([^"#]+)"', answer.text)
    assert "/web/app.js" in parts
    for path in parts:
        part = shop.http.get(path)
        assert part.status_code == 200, path
        again = {"If-None-Match": part.headers.get("etag", "none")}
        assert path == "/openapi.json" or shop.http.get(path, headers=again).status_code == 304


def test_the_parts_of_the_page_name_each_other_rightly(shop: Shop) -> None:
    seen, new = set(), {"/web/app.js"}
    while new:
        seen |= new
        found = {urljoin(path, name) for path in new for name in re.findall(r'from "(.+?)"', shop.http.get(path).text)}
        new = found - seen
    assert {f"/web/{name}" for name in page.assets() if name.endswith(".js")} == seen, (
        "no module is missing, none is idle"
    )


def test_a_body_longer_than_any_call_needs_is_refused(shop: Shop) -> None:
    body = b'{"name": "' + b"n" * (5 * 1024 * 1024) + b'"}'
    answer = shop.call("POST", "/api/v1/projects", content=body)
    assert answer.status_code == 413


@pytest.mark.parametrize("junk", [b"\x00\xff\r\n\r\n", b"GET / HTTP/1.1\r\nX: " + b"a" * 200_000 + b"\r\n\r\n"])
def test_junk_and_huge_headers_do_no_harm(service: CloudProcess, shop: Shop, junk: bytes) -> None:
    host, port = service.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(junk)
        assert connection.recv(100).startswith(b"HTTP/1.1 4")
    assert shop.http.get("/").status_code == 200


@pytest.mark.parametrize(
    "start", ["POST /api/v1/proj", "POST /api/v1/projects HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{"]
)
def test_clients_that_never_finish_keep_nobody_waiting(service: CloudProcess, shop: Shop, start: str) -> None:
    host, port = service.url.removeprefix("http://").split(":")
    with contextlib.ExitStack() as stack:
        for _ in range(50):
            connection = stack.enter_context(socket.create_connection((host, int(port)), timeout=10))
            connection.sendall(start.encode())
        begin = time.monotonic()
        assert shop.ok("GET", "/projects")["total"] >= 0
        assert time.monotonic() - begin < 2.0


def test_the_clock_can_be_stepped_and_run_fast(shop: Shop) -> None:
    before = shop.now()
    shop.step(seconds=3600)
    assert shop.now() > before
    fast = shop.call("POST", "/control/clock", json={"speed": 100}).json()
    assert (fast["speed"], fast["settable"]) == (100, True)
    assert shop.call("POST", "/control/clock", json={"speed": 1}).json()["speed"] == 1
    for wrong in ({"step": -1}, {"speed": -1}, {"speed": "fast"}, {"leap": 1}):
        assert shop.call("POST", "/control/clock", json=wrong).status_code == 422
