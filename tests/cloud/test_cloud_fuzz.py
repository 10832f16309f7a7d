"""The running service against its own OpenAPI description: whatever is sent, the answer is one that is described.

`QUECFOTA_CLOUD_EXAMPLES=200 pytest tests/cloud/test_cloud_fuzz.py` looks longer than CI does.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from cloud_process import CloudProcess
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openapi_values import TEXT, WILD, Schema, problems, resolved, values
from shop import Shop

from pytest_quecfota.cloud.domain.rules import DEVICE_KEY

EXAMPLES = int(os.environ.get("QUECFOTA_CLOUD_EXAMPLES", "6"))
METHODS = ("get", "post", "put", "patch", "delete")
ENDLESS = "/events"  # a stream without an end: only its beginning is read


@dataclasses.dataclass(frozen=True)
class Sent:
    """One request."""

    method: str
    path: str
    query: dict[str, str]
    body: dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Call:
    """One call of the description."""

    method: str
    path: str
    about: Schema


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Shop, Schema, dict[str, list[str]]]]:
    """A service of its own (its clock will be stepped), its description, and names that exist in it."""
    process = CloudProcess(tmp_path_factory.mktemp("fuzz"))
    with httpx.Client(base_url=process.url, timeout=10, verify=False) as http:
        shop = Shop(http, process.token, http)
        product, package = shop.product(), shop.package()
        plan = shop.plan(product)
        device = shop.device(product).up()
        (task,) = device.request()
        device.told(task, "received", "confirmed", "downloading")
        names = {
            "product_key": [product["product_key"]],
            "dk": [device.dk],
            "package": [package["id"]],
            "plan": [plan["id"]],
            "which": ["whitelist", "blacklist"],
            "component": ["1"],
            "project": [shop.ok("POST", "/projects", json={"name": "fuzz"})["id"]],
            "digest": [package["files"][0]["sha256"]],
        }
        yield shop, http.get("/openapi.json").json(), names
    assert process.stop() == (0, "")


def calls(schema: Schema) -> list[Call]:
    return [
        Call(method, path, item[method])
        for path, item in schema["paths"].items()
        for method in METHODS
        if method in item
    ]


def requests(call: Call, root: Schema, names: dict[str, list[str]]) -> st.SearchStrategy[Sent]:
    """Requests of a call: such as fit its description, nearly such, and such as do not."""
    parameters = call.about.get("parameters", [])
    in_path = {p["name"]: _segments(names.get(p["name"], ["1"])) for p in parameters if p["in"] == "path"}
    query = {p["name"]: values(p["schema"], root).map(str) | TEXT for p in parameters if p["in"] == "query"}
    needed = {p["name"]: query[p["name"]] for p in parameters if p["in"] == "query" and p.get("required")}
    optional = {name: one for name, one in query.items() if name not in needed}
    return st.builds(
        lambda places, query, body: Sent(call.method, call.path.format(**places), query, body),
        st.fixed_dictionaries(in_path),
        st.fixed_dictionaries(needed, optional=optional),
        _bodies(call, root),
    )


def _segments(real: list[str]) -> st.SearchStrategy[str]:
    wild = TEXT.filter(lambda text: "/" not in text and text not in {"", ".", ".."}).map(
        lambda text: quote(text, safe="")
    )
    return st.sampled_from(real) | st.integers(0, 9).map(str) | wild


def _bodies(call: Call, root: Schema) -> st.SearchStrategy[dict[str, Any]]:
    content = call.about.get("requestBody", {}).get("content", {})
    if "application/json" in content:
        fitting = values(content["application/json"]["schema"], root)
        return (fitting | st.builds(_spoilt, fitting, TEXT, WILD) | WILD).map(lambda body: {"json": body})
    if "multipart/form-data" in content:
        fields = values(content["multipart/form-data"]["schema"], root)
        return st.builds(_form, fields, st.sampled_from(["a.bin", "../../a.zip", "a.exe", ""]), st.binary(max_size=50))
    if content:
        kinds = st.sampled_from([*content, "application/json", ""])
        listed = st.lists(st.from_regex(DEVICE_KEY, fullmatch=True), max_size=3).map(
            lambda keys: "\n".join(keys).encode()
        )
        return st.builds(_plain, kinds, listed | st.binary(max_size=50))
    return st.just({})


def _spoilt(body: Any, name: str, value: Any) -> Any:
    """A body with one of its members replaced."""
    if not isinstance(body, dict):
        return [body, value]
    names = [*sorted(body), name]
    return {**body, names[len(name) % len(names)]: value}


def _form(fields: dict[str, Any], file: str, content: bytes) -> dict[str, Any]:
    count = len(fields.pop("files", []))
    return {"data": {k: str(v) for k, v in fields.items()}, "files": [("files", (file, content))] * count}


def _plain(kind: str, content: bytes) -> dict[str, Any]:
    return {"content": content, "headers": {"Content-Type": kind} if kind else {}}


def look(answer: httpx.Response, sent: Sent, call: Call, root: Schema) -> None:
    """Fails where an answer is none of those the call is described with."""
    responses = call.about["responses"]
    told = f"{sent}: {answer.status_code} {answer.text[:300]}"
    assert answer.status_code < 500, told
    assert str(answer.status_code) in responses, told
    content = responses[str(answer.status_code)].get("content", {})
    kind = answer.headers.get("content-type", "").split(";")[0]
    if answer.status_code == 204 or not content:
        assert not answer.content or kind, told
        return
    assert kind in content, told
    if kind.endswith("json"):
        assert problems(answer.json(), content[kind]["schema"], root) == [], told


def exchange(http: httpx.Client, sent: Sent, headers: dict[str, str], *, endless: bool = False) -> httpx.Response:
    """Sends a request; of a stream without an end only status and headers come back."""
    body = {**sent.body}
    headers = {**headers, **body.pop("headers", {})}
    if not endless:
        return http.request(sent.method, sent.path, params=sent.query, headers=headers, **body)
    with http.stream(sent.method, sent.path, params=sent.query, headers=headers, **body) as answer:
        content = b"" if answer.is_success else answer.read()
    return httpx.Response(answer.status_code, headers=answer.headers, content=content)


def examine(shop: Shop, call: Call, root: Schema, names: dict[str, list[str]], token: str, examples: int) -> set[int]:
    """Sends requests of one call with a token of this kind, and looks at the answers; returns their statuses."""
    seen: list[int] = []
    headers = {"valid": {"Authorization": f"Bearer {shop.token}"}, "none": {}, "wrong": {"Authorization": "Bearer no"}}[
        token
    ]
    outside = token != "valid" and not call.path.startswith("/south")

    @settings(
        max_examples=examples, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
    )
    @given(requests(call, root, names))
    def send(sent: Sent) -> None:
        answer = exchange(shop.http, sent, headers, endless=call.path.endswith(ENDLESS))
        seen.append(answer.status_code)
        look(answer, sent, call, root)
        assert not outside or answer.status_code in {401, 413}, call.path

    send()
    return set(seen)


@pytest.mark.parametrize("token", ["valid", "none"])
def test_every_answer_is_one_that_is_described(known: tuple[Shop, Schema, dict[str, list[str]]], token: str) -> None:
    shop, root, names = known
    examples = EXAMPLES if token == "valid" else max(EXAMPLES // 5, 1)
    told = {(call.method, call.path): examine(shop, call, root, names, token, examples) for call in calls(root)}
    assert len(told) == sum(method in item for item in root["paths"].values() for method in METHODS)
    assert not [one for one, statuses in told.items() if not statuses], "every call was tried"


def test_every_example_is_one_that_the_call_takes(known: tuple[Shop, Schema, dict[str, list[str]]]) -> None:
    """What the description shows as a body is not refused for its form."""
    shop, root, names = known
    headers = {"Authorization": f"Bearer {shop.token}"}
    for call in calls(root):
        places = {name: found[0] for name, found in {"component": ["1"], **names}.items()}
        for kind, media in call.about.get("requestBody", {}).get("content", {}).items():
            if kind == "multipart/form-data":
                fields = dict(media["example"])
                files = [("files", (name, b"x")) for name in fields.pop("files")]
                body: dict[str, Any] = {"data": fields, "files": files}
            elif kind == "application/json":
                examples = [media["example"]] if "example" in media else resolved(media["schema"], root)["examples"]
                assert problems(examples[0], media["schema"], root) == []
                body = {"json": examples[0]}
            else:
                body = {"content": media["example"].encode(), "headers": {"Content-Type": kind}}
            sent = Sent(call.method, call.path.format(**places), {}, body)
            answer = exchange(shop.http, sent, headers)
            outside = {401} if call.path.startswith("/south") else set()
            assert answer.status_code in {200, 201, 202, 204, 404, 409, *outside}, f"{sent}: {answer.text}"


def test_every_model_has_an_example_that_fits_it(known: tuple[Shop, Schema, dict[str, list[str]]]) -> None:
    _, root, _ = known
    for name, model in root["components"]["schemas"].items():
        if "enum" in model:
            continue
        examples = model.get("examples") or [model.get("example")]
        assert examples[0] is not None, name
        assert [problem for one in examples for problem in problems(one, model, root)] == [], name


SOME_CALL = Call(
    "get",
    "/things",
    {
        "responses": {
            "200": {"content": {"application/json": {"schema": {"$ref": "#/thing"}}}},
            "204": {},
            "404": {"content": {"application/problem+json": {"schema": {"type": "object", "required": ["detail"]}}}},
        }
    },
)
SOME_ROOT: Schema = {
    "thing": {
        "type": "object",
        "required": ["id"],
        "properties": {
            "id": {"type": "string", "pattern": "^[0-9]+$"},
            "state": {"enum": ["on", "off"]},
            "parts": {"type": "array", "items": {"type": "integer"}},
            "size": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
        },
    }
}
PROBLEM = {"content-type": "application/problem+json"}


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(500, json={"detail": "x"}),
        httpx.Response(507, json={"detail": "x"}, headers=PROBLEM),
        httpx.Response(418, json={"id": "1"}),
        httpx.Response(201, json={"id": "1"}),
        httpx.Response(200, text="hello"),
        httpx.Response(200, json={}),
        httpx.Response(200, json={"id": 1}),
        httpx.Response(200, json={"id": "a"}),
        httpx.Response(200, json={"id": "1", "state": "broken"}),
        httpx.Response(200, json={"id": "1", "parts": [1, "2"]}),
        httpx.Response(200, json={"id": "1", "parts": [True]}),
        httpx.Response(200, json={"id": "1", "size": "big"}),
        httpx.Response(200, json=[{"id": "1"}]),
        httpx.Response(404, json={"detail": "x"}),
        httpx.Response(404, json={"title": "x"}, headers=PROBLEM),
    ],
)
def test_the_judge_finds_what_is_not_described(answer: httpx.Response) -> None:
    """The check can fail: server errors, statuses, kinds and bodies that the description does not have."""
    with pytest.raises(AssertionError):
        look(answer, Sent("get", "/things", {}, {}), SOME_CALL, SOME_ROOT)


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, json={"id": "1", "state": "on", "parts": [1], "size": None}),
        httpx.Response(204),
        httpx.Response(404, json={"detail": "x"}, headers=PROBLEM),
    ],
)
def test_the_judge_passes_what_is_described(answer: httpx.Response) -> None:
    look(answer, Sent("get", "/things", {}, {}), SOME_CALL, SOME_ROOT)


def test_the_service_is_whole_after_all_that(known: tuple[Shop, Schema, dict[str, list[str]]], tmp_path: Path) -> None:
    shop, _, _ = known
    product = shop.product()
    plan = shop.plan(product)
    device = shop.device(product).up()
    (task,) = device.request()
    device.upgrade(task)
    assert shop.statuses(plan, device)[0] == "Upgraded"
