"""Hostile acts on sagas: by REST and by page each is refused with a sentence, and no saga is locked by its own data."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from django.test import Client

from reliability.access import Role
from sagas.domain.acts import Act, Command
from sagas.domain.state import Status
from sagas.models import Snapshot
from sagas.operations import acting
from sagas.queries import cursors, verifying
from tests.support import actors
from tests.support.sagas import Shop, raising, run, start, state

pytestmark = pytest.mark.django_db(transaction=True)

Pressed = Callable[..., Any]
DEEP = "[" * 900 + "]" * 900


@pytest.fixture
def lost(shop: Shop) -> UUID:
    shop.then("charge", raising(TimeoutError("no answer")))
    saga_id = start(shop.order(), data={"amount": 5})
    run()
    return saga_id


@pytest.fixture
def press(client: Client, lost: UUID) -> Pressed:
    client.force_login(actors.account(Role.OPERATOR, name="olga").user)

    def post(act: str, **fields: object) -> Any:
        return client.post(f"/sagas/{lost}/acts/{act}/", {"reason": "h", "version": state(lost).version, **fields})

    return post


@pytest.mark.parametrize(
    "data",
    ["", "  ", "[]", "{", '{"a":"\\ud800"}', '{"a":' + "9" * 40 + "}", '{"a":' + DEEP + "}", '{"a":NaN}',
     '{"a":1,"a":2}', '{"a":1e999}', json.dumps({"a": "x" * 2_400_000, "b": "y" * 2_400_000})],
)  # fmt: skip
def test_data_that_cannot_be_kept_as_typed_are_refused(press: Pressed, lost: UUID, data: str) -> None:
    answer = press("edit", data=data)
    assert answer.status_code in (400, 422), answer.content[-500:]
    assert state(lost).data == {"amount": 5}


@pytest.mark.parametrize("version", ["", "-1", "²", "1.0", "999", "9" * 30])
def test_an_act_names_the_version_that_was_looked_at(press: Pressed, lost: UUID, version: str) -> None:
    answer = press("edit", data='{"amount": 6}', version=version)
    assert answer.status_code == 409
    assert b"look again" in answer.content
    assert state(lost).data == {"amount": 5}


def test_data_that_grew_large_lock_nobody_out(lost: UUID) -> None:
    """Each act is bounded, what they amount to is not: the snapshot holds it, and a saga can always be ended."""
    operator = actors.actor()
    for number in range(3):
        command = Command(act=Act.EDIT, set={f"part{number}": "x" * 2_000_000})
        acting.act(lost, command, expected_version=state(lost).version, actor=operator, reason="large")
    for number in range(60):
        command = Command(act=Act.EDIT, set={"small": number})
        acting.act(lost, command, expected_version=state(lost).version, actor=operator, reason="small")
    assert Snapshot.objects.get().version >= 50
    command = Command(act=Act.EDIT, unset=["part0", "part1", "part2"])
    acting.act(lost, command, expected_version=state(lost).version, actor=operator, reason="too large")
    done = acting.act(
        lost, Command(act=Act.TERMINATE), expected_version=state(lost).version, actor=operator, reason="x"
    )
    assert done.saga.status is Status.TERMINATED
    assert list(verifying.differences()) == []


@pytest.mark.parametrize(
    "told",
    [
        "0 2026-11-21T20:50:28+23:59:59.999999 01a1ffdf-3e06-7767-bd5e-018c67e65bc0",
        "0 0001-01-01T00:00:00+14:00 01a1ffdf-3e06-7767-bd5e-018c67e65bc0",
        "7 2026-11-21T20:50:28+00:00 01a1ffdf-3e06-7767-bd5e-018c67e65bc0",
        "\u0660 2026-11-21T20:50:28+00:00 01a1ffdf-3e06-7767-bd5e-018c67e65bc0",
    ],
)
def test_a_cursor_that_was_tampered_with_harms_nothing(client: Client, lost: UUID, told: str) -> None:
    client.force_login(actors.account(Role.VIEWER, name="vito").user)
    text = cursors.urlsafe_b64encode(told.encode()).decode()
    assert client.get(f"/api/v1/sagas?cursor={text}").status_code in (200, 422)
    assert client.get(f"/sagas/?cursor={text}").status_code in (200, 302)
