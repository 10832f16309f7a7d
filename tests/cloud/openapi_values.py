"""JSON schemas of an OpenAPI document read both ways: values made of them (hypothesis), and values held against them."""

from __future__ import annotations

import re
from typing import Any

from hypothesis import strategies as st

Schema = dict[str, Any]
TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
    "null": (type(None),),
}
TEXT = st.text(st.characters(blacklist_categories=["Cs"]), max_size=20)
WILD: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)


def resolved(schema: Schema, root: Schema) -> Schema:
    """A schema without a reference at its top."""
    while "$ref" in schema:
        found: Any = root
        for name in schema["$ref"].removeprefix("#/").split("/"):
            found = found[name]
        schema = found
    return schema


def values(schema: Schema, root: Schema) -> st.SearchStrategy[Any]:
    """Values that fit a schema."""
    schema = resolved(schema, root)
    if "anyOf" in schema:
        return st.one_of([values(one, root) for one in schema["anyOf"]])
    if "enum" in schema or "const" in schema:
        return st.sampled_from(schema.get("enum") or [schema["const"]])
    kind = schema.get("type")
    if kind == "object":
        return _objects(schema, root)
    if kind == "array":
        return st.lists(values(schema["items"], root), min_size=schema.get("minItems", 0), max_size=3)
    if kind in {"integer", "number"}:
        low, high = schema.get("minimum"), schema.get("maximum")
        return (
            st.integers(low, high) if kind == "integer" else st.floats(low, high, allow_nan=False, allow_infinity=False)
        )
    return {"string": _strings(schema), "boolean": st.booleans(), "null": st.none()}.get(str(kind), WILD)


def _strings(schema: Schema) -> st.SearchStrategy[str]:
    if schema.get("format") == "date-time":
        return st.datetimes().map(lambda moment: moment.isoformat() + "Z")
    if "pattern" in schema:
        limit = schema.get("maxLength", 200)
        return st.from_regex(schema["pattern"], fullmatch=False).filter(
            lambda text: text.isprintable() and len(text) <= limit
        )
    return st.text(st.characters(blacklist_categories=["Cs"]), min_size=schema.get("minLength", 0), max_size=20)


def _objects(schema: Schema, root: Schema) -> st.SearchStrategy[dict[str, Any]]:
    known = {name: values(one, root) for name, one in schema.get("properties", {}).items()}
    needed = {name: known[name] for name in schema.get("required", ())}
    return st.fixed_dictionaries(needed, optional={n: v for n, v in known.items() if n not in needed})


def problems(value: Any, schema: Schema, root: Schema, where: str = "$") -> list[str]:
    """Where a value does not fit a schema."""
    schema = resolved(schema, root)
    if "anyOf" in schema:
        tried = [problems(value, one, root, where) for one in schema["anyOf"]]
        return [] if [] in tried else [f"{where}: fits none of {len(tried)}: {tried}"]
    if "enum" in schema and value not in schema["enum"]:
        return [f"{where}: {value!r} is none of {schema['enum']}"]
    kind = schema.get("type")
    wrong_kind = kind and (not isinstance(value, TYPES[kind]) or (isinstance(value, bool) and kind != "boolean"))
    if wrong_kind:
        return [f"{where}: {value!r} is no {kind}"]
    if isinstance(value, str) and "pattern" in schema and not re.search(schema["pattern"], value):
        return [f"{where}: {value!r} does not match {schema['pattern']}"]
    if isinstance(value, list):
        return [p for i, one in enumerate(value) for p in problems(one, schema.get("items", {}), root, f"{where}[{i}]")]
    if isinstance(value, dict):
        lacking = [f"{where}: {name} is missing" for name in schema.get("required", ()) if name not in value]
        known = {name: one for name, one in schema.get("properties", {}).items() if name in value}
        return lacking + [p for name, one in known.items() for p in problems(value[name], one, root, f"{where}.{name}")]
    return []
