"""Somebody who may only look tries to replay: by page, by API, by websocket. Refused each time, and on record."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from tests.scenarios import replaying
from tests.scenarios.replaying import Flood
from tests.support.console import Person
from tests.support.system import VIEWER, System

pytestmark = pytest.mark.scenario

LETTERS = 3
REFUSED = 403
BAD_MESSAGE = 4400


def refusals(system: System) -> list[tuple[str, str]]:
    """Acts of the viewer that are on record, newest last."""
    query = "SELECT act, outcome FROM reliability_audit_entry WHERE actor_account = %s ORDER BY seq"
    return system.rows(query, VIEWER)


def everything(system: System) -> tuple[Any, ...]:
    """What no refused act may change."""
    counts = ("dlq_replay", "dlq_replayitem", "dlq_replayplan", "dlq_discard", "outbox_event")
    standing = system.rows("SELECT state, count(*) FROM dlq_letter GROUP BY 1 ORDER BY 1")
    return (*(system.one(f"SELECT count(*) FROM {table}") for table in counts), standing)


def test_a_viewer_cannot_replay_by_any_entrance(system: System) -> None:
    system.need("web", "letters")
    ids = Flood(system).arrive(LETTERS)
    plan = replaying.draw(system, ids)
    viewer = system.person(VIEWER)
    assert viewer.get(f"/letters/{ids[0]}/").status == 200, "a viewer may look"
    before, known = everything(system), len(refusals(system))

    approval = {"plan": plan["id"], "hash": plan["hash"], "reason": "please"}
    scope = {"scope": {"ids": ids}}
    by_page: list[tuple[str, str, dict[str, object]]] = [
        ("letters.replay", "/replays/", approval),
        ("letters.replay", "/replays/plans/", {"letter": ids}),
        ("letters.discard", "/discards/", {"letter": ids, "reason": "please"}),
    ]
    for _, path, fields in by_page:
        answer = viewer.post(path, **fields)
        assert answer.status == REFUSED, (path, answer)
        assert "role operator" in answer.text, "the page says which right is missing"
    by_api: list[tuple[str, str, dict[str, object]]] = [
        ("letters.replay", "/api/v1/replays", approval),
        ("letters.replay", "/api/v1/replay-plans", scope),
        ("letters.discard", "/api/v1/discards", {**scope, "reason": "please"}),
    ]
    for send in (by_token(system), viewer.send):
        for _, path, body in by_api:
            answer = send("POST", path, body)
            assert answer.status == REFUSED, (path, answer)
            assert answer.json["code"] == "denied", answer

    wanted = [(act, "refused") for act, _, _ in [*by_page, *by_api, *by_api]]
    assert refusals(system)[known:] == wanted
    assert everything(system) == before


def test_a_viewer_cannot_touch_a_run(system: System) -> None:
    system.need("web", "letters")
    run = replaying.start(system, Flood(system).arrive(LETTERS), rate=0.1)
    acts = {"pause": "replay_pause", "resumption": "replay_resume", "cancellation": "replay_cancel"}
    viewer, before, known = system.person(VIEWER), replaying.states(system, run), len(refusals(system))
    assert viewer.get(f"/replays/{run}/").status == 200
    for page in acts:
        assert viewer.post(f"/replays/{run}/{page}/").status == REFUSED
    send = by_token(system)
    answers = [
        send("POST", f"/api/v1/replays/{run}/pause", None),
        send("DELETE", f"/api/v1/replays/{run}/pause", None),
        send("POST", f"/api/v1/replays/{run}/cancellation", None),
        send("PUT", f"/api/v1/replays/{run}/rate", {"rate": 900}),
    ]
    assert [answer.status for answer in answers] == [REFUSED] * len(answers), answers
    wanted = [*acts.values(), *acts.values(), "replay_rate"]
    assert refusals(system)[known:] == [(f"letters.{act}", "refused") for act in wanted]
    assert system.get(f"/api/v1/replays/{run}").json["rate"] == 0.1
    assert sum(replaying.states(system, run).values()) == sum(before.values())
    assert system.send("POST", f"/api/v1/replays/{run}/cancellation").status == 200, "an operator may"


def test_the_socket_takes_no_orders(system: System) -> None:
    system.need("web", "letters")
    ids = Flood(system).arrive(LETTERS)
    plan = replaying.draw(system, ids)
    before = everything(system)
    approval = {"plan": plan["id"], "hash": plan["hash"], "reason": "please"}
    for person in (system.person(VIEWER), system.person()):  # nor from who may replay: a socket only tells
        for message in ({"replay": approval}, {"subscribe": ["letters"], "replay": approval}, approval):
            assert closed_after(person, message) == BAD_MESSAGE
    assert everything(system) == before


def test_a_stranger_is_not_let_in(system: System) -> None:
    system.need("web")
    system.tokens["stranger"] = "mst_" + "0" * 40
    assert system.send("POST", "/api/v1/replays", {}, who="stranger").status == 401
    assert system.get("/api/v1/letters", who="stranger").status == 401


def by_token(system: System) -> Callable[[str, str, object], Any]:
    return system.api(VIEWER).send


def closed_after(person: Person, message: object) -> int:
    """The code with which the server closes the socket after a message."""
    with person.socket() as socket:
        socket.send(json.dumps(message))
        try:
            for _ in range(20):
                socket.recv(5)
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else 0
    return 0
