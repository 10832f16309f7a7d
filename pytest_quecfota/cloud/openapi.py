"""What FastAPI does not say by itself in the OpenAPI description: problems, limits, and links from what was created."""

from __future__ import annotations

import re
from typing import Any

from fastapi import FastAPI

from . import errors
from .examples import EXAMPLES, UPLOAD

METHODS = ("get", "post", "put", "patch", "delete")
LISTING = "Listing_"
KEYS = {"product_key": "product_key", "dk": "dk"}
"""Path parameters that are not the `id` of what was created."""


def describe(app: FastAPI) -> None:
    """Completes the description of an application whose routes are all there."""
    made = app.openapi

    def described() -> dict[str, Any]:
        schema = made()
        components = schema.setdefault("components", {}).setdefault("schemas", {})
        if "Problem" not in components:
            components["Problem"] = errors.SCHEMA
            _examples(schema)
            _limits(schema)
            _links(schema)
        return schema

    app.openapi = described  # type: ignore[method-assign]


def methods(app: FastAPI, path: str) -> list[str]:
    """The methods a path supports, for `Allow`."""
    for template, item in app.openapi()["paths"].items():
        if re.fullmatch(re.sub(r"{\w+}", "[^/]+", template), path):
            return sorted(method.upper() for method in item if method in METHODS)
    return ["GET"]


def _examples(schema: dict[str, Any]) -> None:
    models = schema["components"]["schemas"]
    for name, example in EXAMPLES.items():
        models[name].setdefault("examples", [example])
    for name, model in models.items():
        if name.startswith(LISTING):
            item = models[name.removeprefix(LISTING).rstrip("_")]["examples"][0]
            model["examples"] = [{"items": [item], "total": 1}]
    for item in schema["paths"].values():
        for method, call in item.items():
            media = call.get("requestBody", {}).get("content", {}) if method in METHODS else {}
            if "application/json" in media and media["application/json"]["schema"].get("type") == "array":
                listed = media["application/json"]["schema"]["items"]["$ref"].rsplit("/", 1)[-1]
                media["application/json"]["example"] = [models[listed]["examples"][0]]
            if "multipart/form-data" in media:
                media["multipart/form-data"]["example"] = UPLOAD


def _limits(schema: dict[str, Any]) -> None:
    for item in schema["paths"].values():
        for method, call in item.items():
            if method in METHODS and "requestBody" in call:
                call["responses"].update({str(k): v for k, v in errors.documented(413).items()})


def _links(schema: dict[str, Any]) -> None:
    for path, item in schema["paths"].items():
        created = item.get("post", {}).get("responses", {}).get("201")
        if created is not None:
            created["links"] = _links_from(schema, path)


def _links_from(schema: dict[str, Any], path: str) -> dict[str, Any]:
    links = {}
    for other, item in schema["paths"].items():
        below = re.match(re.escape(path) + r"/{(\w+)}(?P<rest>.*)$", other)
        if below is None or "{" in below["rest"]:
            continue
        own = {below[1]: f"$response.body#/{KEYS.get(below[1], 'id')}"}
        outer = {name: f"$request.path.{name}" for name in re.findall(r"{(\w+)}", path)}
        for method in METHODS:
            if method in item:
                operation = item[method]["operationId"]
                links[operation] = {"operationId": operation, "parameters": {**outer, **own}}
    return links
