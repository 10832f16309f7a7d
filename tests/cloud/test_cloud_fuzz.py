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
from openapi_values import TEXT, WILD, Schema, problems, values
from shop import Shop

EXAMPLES = int(os.environ.get("QUECFOTA_CLOUD_EXAMPLES", "6"))
METHODS = ("get", "post", "patch", "delete")
ENDLESS = "/events"  # a stream without an end


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
        }
        yield shop, http.get("/openapi.json").json(), names
    assert process.stop() == (0, "")


def calls(schema: Schema) -> list[Call]:
    return [
        Call(method, path, item[method])
        for path, item in schema["paths"].items()
        for method in METHODS
        if method in item and not path.endswith(ENDLESS)
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


def examine(shop: Shop, call: Call, root: Schema, names: dict[str, list[str]], token: str, examples: int) -> None:
    """Sends requests of one call with a token of this kind, and looks at the answers."""
    headers = {"valid": {"Authorization": f"Bearer {shop.token}"}, "none": {}, "wrong": {"Authorization": "Bearer no"}}[
        token
    ]
    outside = token != "valid" and not call.path.startswith("/south")

    @settings(
        max_examples=examples, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
    )
    @given(requests(call, root, names))
    def send(sent: Sent) -> None:
        answer = shop.http.request(sent.method, sent.path, params=sent.query, headers=headers, **sent.body)
        look(answer, sent, call, root)
        assert not outside or answer.status_code in {401, 413}, call.path

    send()


@pytest.mark.parametrize("token", ["valid", "none"])
def test_every_answer_is_one_that_is_described(known: tuple[Shop, Schema, dict[str, list[str]]], token: str) -> None:
    shop, root, names = known
    for call in calls(root):
        examine(shop, call, root, names, token, EXAMPLES if token == "valid" else max(EXAMPLES // 5, 1))


def test_the_service_is_whole_after_all_that(known: tuple[Shop, Schema, dict[str, list[str]]], tmp_path: Path) -> None:
    shop, _, _ = known
    product = shop.product()
    plan = shop.plan(product)
    device = shop.device(product).up()
    (task,) = device.request()
    device.upgrade(task)
    assert shop.statuses(plan, device)[0] == "Upgraded"
