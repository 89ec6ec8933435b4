"""A request that each operation of the API understands, made from its own description."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from reliability.urls import api

SCHEMA: dict[str, Any] = dict(api.get_openapi_schema())
BY_FORMAT: dict[str, Any] = {
    "uuid": "00000000-0000-0000-0000-000000000001",
    "date-time": "2999-01-01T00:00:00Z",
    "date": "2999-01-01",
    "time": "12:00:00",
    "duration": "PT1H",
}
# What a schema cannot say: the only words that mean something.
BY_OPERATION: dict[str, Any] = {
    "create_replay_plan": {"scope": {"ids": [1]}},
    "create_replay": {"plan": 1, "hash": "a", "reason": "a"},
    "create_discard": {"scope": {"ids": [1]}, "reason": "a"},
    "plan_saga_batch": {"act": "retry", "filter": {}},
}


@dataclass(frozen=True, slots=True)
class Sample:
    """One operation and a request to it."""

    name: str
    method: str
    path: str
    body: Any


def samples() -> Iterator[Sample]:
    """All of them."""
    for path, methods in SCHEMA["paths"].items():
        for method, told in methods.items():
            address = path
            for each in told.get("parameters", ()):
                if each["in"] == "path":
                    address = address.replace(f"{{{each['name']}}}", str(instance(each["schema"])))
            content = told.get("requestBody", {}).get("content", {}).get("application/json")
            body = BY_OPERATION.get(told["operationId"]) or (instance(content["schema"]) if content else None)
            yield Sample(told["operationId"], method.upper(), address, body)


def instance(schema: dict[str, Any]) -> Any:  # noqa: C901 - one branch for each kind of schema
    """The least value that a schema allows."""
    if "$ref" in schema:
        return instance(SCHEMA["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    for word in ("const", "default", "example"):
        if schema.get(word) is not None:
            return schema[word]
    if "enum" in schema:
        return schema["enum"][0]
    for word in ("anyOf", "oneOf", "allOf"):
        if word in schema:
            return instance(schema[word][0])
    match schema.get("type"):
        case "object":
            needed = schema.get("required", ())
            return {name: instance(inner) for name, inner in schema.get("properties", {}).items() if name in needed}
        case "array":
            return [instance(schema["items"])] * max(1, schema.get("minItems", 1))
        case "integer" | "number":
            return schema.get("minimum", schema.get("exclusiveMinimum", 0) + 1)
        case "boolean":
            return True
        case "null":
            return None
    return BY_FORMAT.get(schema.get("format", ""), "a" * max(1, schema.get("minLength", 1)))
