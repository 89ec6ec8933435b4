"""Whatever is sent, the answer is one of those that the contract knows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reliability.degradation import registry
from reliability.degradation.models import Flag
from reliability.degradation.ofrep import door
from tests.integration.degradation.test_ofrep import EVERY, ONE, Ofrep, token

pytestmark = pytest.mark.django_db(transaction=True)
CODES_OF_400 = {"PARSE_ERROR", "TARGETING_KEY_MISSING", "INVALID_CONTEXT", "GENERAL"}
REASONS = {"STATIC", "TARGETING_MATCH", "SPLIT", "DISABLED", "UNKNOWN"}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | st.text(),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=5), children, max_size=3),
    max_leaves=8,
)
CONTEXTS = st.fixed_dictionaries({}, optional={"targetingKey": JSON, "plan": JSON})
BODIES = st.one_of(
    st.binary(max_size=60),
    JSON.map(lambda value: json.dumps(value).encode()),
    st.fixed_dictionaries({"context": JSON | CONTEXTS}).map(lambda value: json.dumps(value).encode()),
)
FUZZED = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def ask(flag: Flag, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ofrep]:
    monkeypatch.setattr(registry, "_agent", None)
    door.forget()
    yield Ofrep(token())
    registry.agent().stop()


def evaluated(document: dict[str, Any]) -> None:
    assert document.keys() == {"key", "value", "reason", "variant", "metadata"}
    assert isinstance(document["key"], str)
    assert isinstance(document["variant"], str)
    assert type(document["value"]) is int
    assert document["reason"] in REASONS
    assert all(isinstance(value, str | int | float | bool) for value in document["metadata"].values())


@FUZZED
@given(body=BODIES)
def test_a_body(ask: Ofrep, body: bytes) -> None:
    for path, named in ((ONE, {"key"}), (EVERY, set())):
        answer = ask(path, body)
        document = answer.json()
        assert answer["Content-Type"] == "application/json"
        if answer.status_code == 200:
            for each in document.get("flags", [document]):
                evaluated(each)
            continue
        assert answer.status_code == 400
        assert document.keys() == {"errorCode", "errorDetails", *named}
        assert document["errorCode"] in CODES_OF_400


@FUZZED
@given(key=st.text(min_size=1, max_size=40).filter(lambda key: not set(key) & set("?#") and key not in (".", "..")))
def test_a_key(ask: Ofrep, key: str) -> None:
    from urllib.parse import quote

    path = f"/ofrep/v1/evaluate/flags/{quote(key.encode('utf-8', 'replace'), safe='')}"
    answer = ask(path)
    document = answer.json()
    if answer.status_code == 200:
        evaluated(document)
        return
    assert (answer.status_code, document["errorCode"]) == (404, "FLAG_NOT_FOUND")
    assert document.keys() == {"key", "errorCode", "errorDetails"}


@FUZZED
@given(headers=st.dictionaries(st.sampled_from(["If-None-Match", "Accept", "Origin"]), st.text(max_size=30)))
def test_headers(ask: Ofrep, headers: dict[str, str]) -> None:
    sent = {name: value.encode("latin-1", "replace").decode("latin-1") for name, value in headers.items()}
    answer = ask(EVERY, {}, **sent)
    assert answer.status_code in (200, 304)
    assert answer["ETag"]
