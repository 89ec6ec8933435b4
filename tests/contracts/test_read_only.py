"""In read-only mode nobody acts: every right, by every entrance, generated from what there is."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client

from outbox.queries import needs as outbox_needs
from reliability import access
from reliability.access import Role
from reliability.audit.models import DONE, Entry
from reliability.breakers.models import Breaker
from reliability.celery import app
from reliability.lag.queries import needs as lag_needs
from sagas.reconciler import policies
from tests.contracts.test_routes import PAGES, address
from tests.support import actors

pytestmark = pytest.mark.django_db
SENTENCE = "This console is read-only (MAINSTAY_READ_ONLY)"
ACTS = [name for name, right in access.RIGHTS.items() if not right.only_looks]
LOOKS = [name for name, right in access.RIGHTS.items() if right.only_looks]
# Operations that take a body and only look.
ANSWERED = {"post /api/v1/alerts/rules/preview": "says what a rule would have done"}
# About who may come in, and who is told: nothing that the console watches is touched.
OPEN = ("/api/v1/alerts/", "/api/v1/tokens", "/api/v1/sessions", "/api/v1/auth/", "/api/v1/accounts/")
# What an operation is asked with: enough to be understood, so that it is the mode that refuses it.
WORDS = {"format": {"uuid": "00000000-0000-0000-0000-000000000001", "date-time": "2030-01-01T00:00:00Z"}}


@pytest.fixture(autouse=True)
def _read_only(settings: Any) -> None:
    settings.MAINSTAY_READ_ONLY = True


@pytest.fixture
def admin(client: Client) -> Client:
    client.force_login(actors.account(Role.ADMIN).user)
    return client


def acts_done() -> list[str]:
    return [entry.act for entry in Entry.objects.filter(outcome=DONE) if entry.act in ACTS]


def test_what_only_looks_is_known():
    assert set(LOOKS) >= {name for name in access.RIGHTS if name.endswith(".view")}
    assert {name for name in LOOKS if not name.endswith(".view")} == {
        *("letters.reveal", "degradation.evaluate"),
        *(name for name in access.RIGHTS if name.startswith(("tokens.", "sessions.", "accounts.", "alerts."))),
    } - {"accounts.view", "alerts.view"}


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("kind", ["user", "token", "cli", "policy"])
def test_no_act_is_open_to_anybody(act: str, kind: Any):
    actor = access.Actor(kind=kind, name="ana", role=Role.ADMIN, scopes=actors.actor().scopes)
    assert not access.may(actor, act)
    with pytest.raises(access.ReadOnly, match="nobody acts here"):
        access.authorize(actor, act)


@pytest.mark.parametrize("act", LOOKS)
def test_what_shows_something_stays_open(act: str):
    assert access.may(actors.actor(Role.ADMIN), act)


@pytest.mark.parametrize("act", ACTS)
def test_the_consoles_own_upkeep_goes_on(act: str):
    access.authorize(access.system_actor("sweep"), act)


def test_a_stranger_is_still_told_to_sign_in():
    with pytest.raises(access.NotSignedIn):
        access.authorize(access.ANONYMOUS, ACTS[0])


@pytest.mark.parametrize(("route", "pattern"), PAGES, ids=[route for route, _ in PAGES])
def test_no_page_or_fragment_acts(admin: Client, route: str, pattern: Any):
    act = getattr(pattern.callback, "required_act", "")
    answer = admin.post(address(route))
    if answer.status_code == 405:
        answer = admin.get(address(route))
    if act in ACTS:
        assert answer.status_code == 403
        assert SENTENCE in answer.content.decode()
    assert acts_done() == []


def sample(schema: dict[str, Any], known: dict[str, Any]) -> Any:
    """A value that fits a schema: of choices the first, of texts a short one."""
    if "$ref" in schema:
        return sample(known[schema["$ref"].rpartition("/")[2]], known)
    for choice in ("anyOf", "oneOf", "allOf"):
        if choice in schema:
            return sample(schema[choice][0], known)
    if "const" in schema or "enum" in schema:
        return schema.get("const", schema.get("enum", [""])[0])
    kind = schema.get("type", "object")
    if kind == "object":
        return {name: sample(schema["properties"][name], known) for name in schema.get("required", ())}
    if kind == "array":
        return [sample(schema.get("items", {"type": "string"}), known)] * max(1, schema.get("minItems", 1))
    if kind in ("integer", "number"):
        return max(1, schema.get("minimum", 1))
    if kind == "boolean":
        return True
    return WORDS["format"].get(schema.get("format", ""), "a" * max(1, schema.get("minLength", 1)))


def test_no_operation_of_the_api_acts(admin: Client):
    described = admin.get("/api/v1/openapi.json").json()
    known, answers = described["components"]["schemas"], {}
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            if method == "get":
                continue
            at = path
            for parameter in operation.get("parameters", ()):
                at = at.replace(f"{{{parameter['name']}}}", str(sample(parameter["schema"], known)))
            body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
            given = sample(body, known) if body else {}
            answer = admin.generic(method.upper(), at, _json(given), content_type="application/json")
            code = answer.json().get("code", "") if answer.content else ""
            answers[f"{method} {path}"] = (answer.status_code, code)
    refused = [name for name, (status, code) in answers.items() if (status, code) == (403, "read-only")]
    others = {name: answer for name, answer in answers.items() if name not in refused}
    # What is not there is not acted on either; whoever asks with more care is told why by the others.
    open_ = {name for name in answers if name.partition(" ")[2].startswith(OPEN)}
    wrong = {n: a for n, a in others.items() if a[0] not in (404, 405, 409, 422) and n not in {*ANSWERED, *open_}}
    assert wrong == {}
    assert ANSWERED.keys() <= answers.keys()
    assert len(refused) > len(answers) / 3, others
    assert acts_done() == []


def _json(given: object) -> bytes:
    import orjson

    return orjson.dumps(given)


@pytest.mark.parametrize(
    "words",
    [
        ("breakers", "forced-open", "payments-api", "--minutes", "15", "--reason", "x"),
        ("breakers", "reset", "payments-api", "--reason", "x"),
        ("outbox", "pause", "--reason", "x"),
        ("lag_reset", "group", "--to", "earliest", "--reason", "x"),
    ],
)
def test_no_command_acts(words: tuple[str, ...]):
    actors.account(Role.ADMIN)
    Breaker.objects.create(name="payments-api", first_seen_at=datetime.now(UTC))
    with pytest.raises((CommandError, SystemExit)) as raised:
        call_command(*words, "--as", "ana", stdout=io.StringIO(), stderr=io.StringIO())
    assert SENTENCE in str(raised.value)
    assert acts_done() == []


def test_the_relay_is_not_started_by_command():
    with pytest.raises(CommandError, match="The outbox is not sent from here"):
        call_command("relay_outbox")


def test_tasks_that_send_call_or_decide_rest(settings: Any, monkeypatch: pytest.MonkeyPatch):
    app.loader.import_default_modules()
    ran: list[str] = []
    for name in settings.READ_ONLY_TASKS_REST:
        monkeypatch.setattr(app.tasks[name], "run", lambda name=name: ran.append(name))
        app.tasks[name]()
        app.tasks[name].apply()
    assert ran == []
    settings.MAINSTAY_READ_ONLY = False
    for name in settings.READ_ONLY_TASKS_REST:
        app.tasks[name]()
    assert sorted(ran) == sorted(settings.READ_ONLY_TASKS_REST)


def test_rules_repair_nothing():
    assert policies.step(None) == 0  # type: ignore[arg-type]  # nothing of it is looked at


def test_the_rights_that_acts_take_are_not_asked_of_kafka():
    assert list(outbox_needs.needs("main", [])) == []
    assert {need.operation for need in lag_needs.needs("main", []) if need.kind == "group"} == {"DESCRIBE"}


def test_every_page_says_so(admin: Client, settings: Any):
    assert "Read-only</span>" in admin.get("/").content.decode()
    settings.MAINSTAY_READ_ONLY = False
    assert "Read-only</span>" not in admin.get("/").content.decode()
