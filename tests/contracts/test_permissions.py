"""The permission matrix: every entrance has its line, the document is current, and each cell is as it says.

Each operation, page, topic and command is asked as everybody: who has the right by the table is let through, and
nobody else.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command, get_commands, load_command_class
from django.http import HttpResponseBase
from django.test import Client
from pytest_django import Settings

from reliability import access
from reliability.access import RIGHTS, Role, operations
from reliability.celery import app as celery
from reliability.console import permissions
from reliability.console.domain import entrances
from reliability.console.domain.entrances import (
    API,
    BY_ITSELF,
    COMMANDS,
    HOST,
    PAGES,
    PAGES_POSTED,
    PEOPLE_ALONE,
    TASKS,
)
from reliability.kafka import clusters
from reliability.kernel import clock
from reliability.live import queries as live_queries
from reliability.live.domain import topics
from tests.contracts.test_routes import address
from tests.support import actors
from tests.support.sample_requests import Sample, samples

pytestmark = pytest.mark.django_db

OTHER_ACT = "degradation.evaluate"
SAMPLES = {each.name: each for each in samples()}
ROUTES = [(route, act) for route, act in permissions.routes() if act and not route.startswith("ofrep/")]
BY_TOKEN = [(route, act) for route, act in permissions.routes() if act and route.startswith("ofrep/")]


@dataclass(frozen=True)
class Who:
    """Somebody who asks: by session, by token, or not at all."""

    name: str
    role: Role | None
    acts: frozenset[str] | None = None
    whole: bool = True

    def may(self, act: str) -> bool:
        """What the table says."""
        right = RIGHTS[act]
        covered = self.role is not None and self.role.covers(right.role)
        return covered and (self.acts is None or act in self.acts) and (self.whole or not right.whole)


EVERYBODY = [
    Who("a stranger", None),
    Who("without a role", None),
    *(Who(f"{role}", role) for role in Role),
    Who("an admin of one topic", Role.ADMIN, whole=False),
]
TOKENS = [
    Who("an admin's token for viewers", Role.VIEWER),
    Who("an admin's token for another act", Role.ADMIN, acts=frozenset({OTHER_ACT})),
    Who("an operator's token of one topic", Role.OPERATOR, whole=False),
    Who("a token of somebody without a role", None),
]
Ask = Callable[[str, str, Any], HttpResponseBase]


@pytest.fixture(autouse=True)
def memory(settings: Settings) -> None:
    settings.KAFKA_BACKEND = "memory"
    clusters.forget_memory()


def by_session(who: Who) -> Ask:
    client = Client(raise_request_exception=False)
    if who.name == "without a role":
        client.force_login(get_user_model().objects.create(username=who.name))
    elif who.role is not None:
        client.force_login(actors.account(who.role, name=who.name, topics=("*",) if who.whole else ("stock*",)).user)
    return lambda method, path, body: send(client, method, path, body, {})


def by_token(who: Who) -> Ask:
    role = Role.OPERATOR if "operator's" in who.name else Role.ADMIN
    owner = actors.account(role, name=who.name)
    issued = operations.issue_token(
        account=owner,
        name="x",
        role=who.role,
        topic_scopes=None if who.whole else ["stock*"],
        acts=sorted(who.acts) if who.acts else None,
        life=timedelta(days=1),
        now=clock.SYSTEM.now(),
    )
    if who.role is None:
        operations.set_standing(user=owner.user, role=None, topic_scopes=())
    headers = {"Authorization": f"Bearer {issued.secret}"}
    return lambda method, path, body: send(Client(raise_request_exception=False), method, path, body, headers)


def send(client: Client, method: str, path: str, body: Any, headers: dict[str, str]) -> HttpResponseBase:
    data = "" if body is None else json.dumps(body)
    return client.generic(method, path, data, content_type="application/json", headers=headers)


def text(answer: HttpResponseBase) -> str:
    return getattr(answer, "content", b"")[:600].decode(errors="replace")


def check(who: Who, answer: HttpResponseBase, act: str, *, stranger: set[int]) -> None:
    """The cell: through, or refused as it should be."""
    told = f"{who.name}, {act}: {answer.status_code} {text(answer)}"
    assert answer.status_code < 500, told
    if who.name == "a stranger":
        assert answer.status_code in stranger, told
    elif who.may(act):
        # Whether this very topic is theirs is told later, and so is what would touch more than one.
        narrow = not who.whole and (RIGHTS[act].by_topic or "see every topic" in text(answer))
        assert answer.status_code != 401, told
        assert narrow or answer.status_code != 403, told
        assert '"invalid"' not in text(answer), told  # the door lies behind: a request that is understood
        assert '"unknown-name"' not in text(answer), told
    else:
        assert answer.status_code == 403, told


# --- what is there has its line


def test_every_operation_of_the_api_has_its_line_and_no_line_is_left_over() -> None:
    assert {name for name, _, _ in permissions.operations()} == API.keys()
    assert set(API.values()) <= RIGHTS.keys() | BY_ITSELF


def test_every_page_names_its_right_or_says_why_none_is_asked() -> None:
    without = {route for route, act in permissions.routes() if not act and not route.startswith("api/")}

    assert without - PAGES.keys() == set()
    assert PAGES.keys() - without == set()


def test_every_command_has_its_line_and_asks_in_whose_name_where_it_says_so() -> None:
    ours = ("reliability", "outbox", "dlq", "sagas")
    found = {name: where for name, where in get_commands().items() if str(where).startswith(ours)}

    assert found.keys() == COMMANDS.keys()
    for name, where in found.items():
        help_text = _whole_help(load_command_class(str(where), name).create_parser("manage.py", name))
        assert ("--as" in help_text) is (COMMANDS[name] != (HOST,)), name
        assert all(act in RIGHTS for act in COMMANDS[name] if act != HOST), name


def _whole_help(parser: Any) -> str:
    inner = [each for action in parser._actions for each in (getattr(action, "choices", None) or {})]
    parsers = [
        each for action in parser._actions if hasattr(action, "_name_parser_map") for each in action.choices.values()
    ]
    assert inner is not None
    return " ".join([" ".join(parser._option_string_actions), *map(_whole_help, parsers)])


def test_every_task_has_its_line() -> None:
    celery.loader.import_default_modules()
    found = {name for name in celery.tasks if not name.startswith("celery.")}

    assert found - {name for name in found if name.startswith("tests.")} == TASKS.keys()


def test_the_document_is_current() -> None:
    out = StringIO()
    call_command("permissions", "--check", stdout=out)
    assert "is current" in out.getvalue()


def test_the_command_says_when_it_is_not(settings: Settings, tmp_path: Any) -> None:
    settings.BASE_DIR = tmp_path
    with pytest.raises(CommandError, match="permissions --write"):
        call_command("permissions", "--check")
    call_command("permissions", "--write", stdout=StringIO())
    call_command("permissions", "--check", stdout=StringIO())


# --- each cell


@pytest.mark.parametrize("name", sorted(API.keys() - {name for name, act in API.items() if act in BY_ITSELF}))
def test_an_operation_lets_through_who_may(name: str) -> None:
    sample: Sample = SAMPLES[name]
    for who in EVERYBODY:
        check(who, by_session(who)(sample.method, sample.path, sample.body), API[name], stranger={401})
    for who in TOKENS:
        answer = by_token(who)(sample.method, sample.path, sample.body)
        if name in PEOPLE_ALONE:
            assert answer.status_code == 401, who
        else:
            check(who, answer, API[name], stranger={401})


@pytest.mark.parametrize(("route", "act"), ROUTES, ids=[route for route, _ in ROUTES])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_page_lets_through_who_may(route: str, act: str, method: str) -> None:
    for who in EVERYBODY:
        answer = by_session(who)(method, address(route), None)
        needed = PAGES_POSTED.get(route, act) if method == "POST" else act
        if answer.status_code != 405:
            check(who, answer, needed, stranger={302, 401})


@pytest.mark.parametrize(("route", "act"), BY_TOKEN, ids=[route for route, _ in BY_TOKEN])
def test_what_takes_tokens_alone_lets_through_whose_may(route: str, act: str) -> None:
    method = "GET" if route.endswith("events") else "POST"
    for who in TOKENS:
        answer = by_token(who)(method, address(route), {} if method == "POST" else None)
        if who.may(act) or "another act" in who.name:  # that act is this one
            assert answer.status_code not in (401, 403), (who, text(answer))
        else:
            assert answer.status_code in (401, 403), (who, text(answer))
    for who in EVERYBODY:
        assert by_session(who)(method, address(route), {} if method == "POST" else None).status_code == 401


@pytest.mark.parametrize("topic", sorted(topics.RIGHT_OF))
def test_the_socket_tells_who_may(topic: str) -> None:
    asked = f"{topic}:1" if topic in topics.WITH_ID else topic
    for who in EVERYBODY:
        actor = access.ANONYMOUS if who.name == "a stranger" else actors.actor(who.role, name=who.name)
        assert live_queries.has_role_for(actor, asked) is who.may(topics.RIGHT_OF[topic]), who


COMMAND_SAMPLES = [
    ("lag.view", ("lag",)),
    ("lag.reset", ("lag_reset", "nobody", "--to", "earliest", "--reason", "x")),
    ("letters.view", ("letters", "groups")),
    ("letters.discard", ("letters", "discard", "--group", "1", "--expect", "1", "--reason", "x")),
    ("sagas.act", ("sagas", "act", "00000000-0000-0000-0000-000000000001", "retry")),
    ("reconcile.compare", ("reconcile", "compare", "orders_against_payments")),
    ("demo.switch", ("demo_switch", "payments_outage", "off")),
]


@pytest.mark.parametrize(("act", "words"), COMMAND_SAMPLES, ids=[" ".join(words[:2]) for _, words in COMMAND_SAMPLES])
def test_a_command_does_for_an_account_what_it_may(act: str, words: tuple[str, ...]) -> None:
    for who in EVERYBODY[1:]:
        if who.role is None:
            operations.set_standing(user=get_user_model().objects.create(username=who.name), role=None, topic_scopes=())
        else:
            actors.account(who.role, name=who.name, topics=("*",) if who.whole else ("stock*",))
        try:
            call_command(*words, "--as", who.name, stdout=StringIO(), stderr=StringIO())
            refused = ""
        except (CommandError, SystemExit) as error:
            refused = str(error)
        denied = "takes the role" in refused or "has no role" in refused
        assert denied is not who.may(act), (who.name, refused)


def test_what_is_said_to_act_as_the_console_itself_is_no_person() -> None:
    assert entrances.SYSTEM in TASKS.values()
