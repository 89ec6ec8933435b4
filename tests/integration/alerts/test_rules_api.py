"""Rules, what they would take, and channels over REST."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import hypothesis
import pytest
from django.db import connections
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from pytest_django import Settings

from reliability.access import Role
from reliability.alerts.domain import packing
from reliability.alerts.domain.rule import Rule as Wanted
from reliability.alerts.evaluator.preview import preview
from reliability.alerts.models import Delivery, Rule
from reliability.alerts.models.deliveries import State
from reliability.alerts.operations import rules
from reliability.console.domain.conditions import Condition
from reliability.kernel.clock import SYSTEM
from tests.integration.alerts.asking import Api
from tests.support import actors, alerts

pytestmark = pytest.mark.django_db(transaction=True)
RULE = {"rooms": ["lag"], "at_least": "warn", "channels": ["pager"]}
ROOT = actors.actor(Role.ADMIN, name="root")
LINE = Condition(signal="lag.seconds", subject="billing", enter=60, exit=30, enter_for_s=20, unit="s")


@pytest.fixture(autouse=True)
def channels(settings: Settings) -> None:
    settings.ALERT_CHANNELS = alerts.CHANNELS


def test_rules_are_saved_changed_and_deleted() -> None:
    api = Api(Role.ADMIN)
    made = api("PUT", "rules/slow", {"rule": RULE, "reason": "protects", "version": 0})
    assert (made["version"], made["on"], made["bad"], made["problem"]) == (1, True, False, "")
    assert made["sentence"].startswith("When something on lag has been at least a warning for 30 s")
    assert made["rule"]["name"] == "slow"
    assert api("PUT", "rules/slow", {"rule": RULE, "reason": "x", "version": 0}, status=409)["code"] == "superseded"
    changed = api("PUT", "rules/slow", {"rule": made["rule"], "on": False, "reason": "x", "version": 1})
    assert (changed["version"], changed["on"], api("GET", "rules/slow")) == (2, False, changed)
    api("DELETE", "rules/slow", {"reason": "x", "version": 1}, status=409)
    api("DELETE", "rules/slow", {"reason": "x", "version": 2}, status=204)
    assert api("GET", "rules") == {"items": [], "next": None}
    for method, body in (("GET", None), ("DELETE", {"reason": "x", "version": 1})):
        assert api(method, "rules/slow", body, status=404)["code"] == "no-such-rule"


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ({"rooms": ["lagg"]}, "There is no page 'lagg'"),
        ({"channels": ["nobody"]}, "No channel is called 'nobody'; there are any, chat, hook, pager"),
        ({"condition": {"signal": "no.such", "enter": 2, "exit": 1}}, "There is no signal no.such"),
        ({"condition": {"signal": "x" * 10_000, "enter": 2, "exit": 1}}, "A condition names a signal"),
        ({"condition": {"signal": "lag.seconds", "enter": 10**400, "exit": 1}}, "too large"),
        ({"condition": [[[[[]]]]]}, "A condition is an object"),
        ({"raise_after_s": -1}, "raise_after_s"),
        ({"raise_after_s": "30"}, "it is a number"),
        ({"things": "a\x00"}, "it is a text"),
        ({"nonsense": 1}, "has no 'nonsense'"),
        ({"severity": {"a": 1}}, "warn or crit"),
    ],
)
def test_a_rule_that_could_not_work_is_refused_in_a_sentence(rule: dict[str, Any], says: str) -> None:
    problem = Api(Role.ADMIN).problem("PUT", "rules/slow", {"rule": rule, "reason": "x", "version": 0})
    assert problem["status"] in (404, 422)
    assert says in problem["detail"]
    assert not Rule.objects.exists()


@pytest.mark.parametrize(
    "changes",
    [
        *({"version": each} for each in (-1, "0", 2**31, 10**400, None, True)),
        *({"reason": each} for each in ("", "a\x00", None)),
        *({"rule": each} for each in ([], "x", None)),
        *({"on": each} for each in ("maybe", None, [])),
        {"more": 1},
    ],
)
def test_a_body_that_is_none_saves_nothing(changes: dict[str, Any]) -> None:
    body = {"rule": RULE, "reason": "x", "version": 0, **changes}
    assert Api(Role.ADMIN)("PUT", "rules/slow", body, status=422)["detail"]
    assert not Rule.objects.exists()


@pytest.mark.parametrize("name", ["Slow", "a b", "a" * 64, "preview", "%00", "%F0%9F%94%A5"])
def test_a_name_that_is_none_is_refused(name: str) -> None:
    api = Api(Role.ADMIN)
    assert api.problem("PUT", f"rules/{name}", {"rule": RULE, "reason": "x", "version": 0})["status"] in (405, 422)
    assert not Rule.objects.exists()


def test_two_who_make_the_same_rule_at_once_do_not_overwrite_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both have seen that there is none before one is written; the second writes when the first is there."""
    together, is_there, as_json = threading.Barrier(2, timeout=20), threading.Event(), packing.rule_as_json

    def written(wanted: Wanted) -> dict[str, Any]:
        together.wait()  # between looking and writing
        assert wanted.at_least == "warn" or is_there.wait(20)
        return as_json(wanted)

    def save(at_least: str) -> str:
        wanted = Wanted(name="slow", at_least=at_least)  # type: ignore[arg-type]
        try:
            rules.save(wanted=wanted, is_on=True, reason="x", actor=ROOT, version=0, now=SYSTEM.now())
        except rules.Superseded:
            return "superseded"
        finally:
            connections.close_all()
        is_there.set()
        return at_least

    monkeypatch.setattr(packing, "rule_as_json", written)
    with ThreadPoolExecutor(2) as pool:
        said = list(pool.map(save, ("warn", "crit")))
    row = Rule.objects.get()
    assert (said, row.body["at_least"], row.version) == (["warn", "superseded"], "warn", 1)


def test_a_rule_of_another_version_is_listed_with_what_is_wrong_with_it() -> None:
    api = Api(Role.ADMIN)
    made = api("PUT", "rules/slow", {"rule": RULE, "reason": "x", "version": 0})
    Rule.objects.update(body={**made["rule"], "since_2030": 1})
    (told,) = api("GET", "rules")["items"]
    assert (told["sentence"], "has no 'since_2030'" in told["problem"]) == ("", True)
    api("DELETE", "rules/slow", {"reason": "x", "version": 1}, status=204)


def test_a_preview_says_what_would_be_taken_and_which_incidents_that_would_be() -> None:
    registry = alerts.things(
        alerts.thing("lag:group:2", status="warn"),
        alerts.thing("lag:group:1"),
        alerts.thing("letters:group:1", room="letters"),
        alerts.thing("lag:group:3", status="ok"),
    )
    there = alerts.incident(rule="all", key="room:lag")
    seen = preview(Wanted(name="all", at_least="warn", raise_after_s=45), actor=ROOT, registry=registry)
    told = [(each.seen.id, each.seen.severity, each.key, each.incident) for each in seen.things]
    assert told == [
        ("lag:group:1", "crit", "room:lag", there.pk),
        ("letters:group:1", "crit", "room:letters", None),
        ("lag:group:2", "warn", "room:lag", there.pk),
    ]
    assert (seen.after_s, seen.problems, seen.unread, seen.is_partial) == (45, (), (), False)
    assert seen.channels == ("any", "chat", "hook", "pager")
    crit = preview(Wanted(name="all", rooms=("letters",)), actor=ROOT, registry=registry)
    assert [each.seen.id for each in crit.things] == ["letters:group:1"]
    assert not Rule.objects.exists()


def test_a_preview_says_what_its_signal_says() -> None:
    rule = Wanted(name="line", condition=LINE, severity="warn")
    bad = preview(rule, actor=ROOT, registry=alerts.things(signals={"lag.seconds": 90.0}))
    assert [(each.seen.title, each.seen.severity, each.key) for each in bad.things] == [
        ("lag.seconds of billing is 90 s", "warn", "room:signals")
    ]
    assert (bad.after_s, bad.heard and bad.heard.stands) == (20, "bad")
    between = preview(rule, actor=ROOT, registry=alerts.things(signals={"lag.seconds": 45.0}))
    assert (between.things, between.heard and between.heard.stands) == ((), "between")
    silent = preview(rule, actor=ROOT, registry=alerts.things(signals={"lag.seconds": None}))
    assert silent.heard is not None
    assert (silent.things, silent.heard.is_told_here, silent.heard.stands) == ((), True, "unknown")
    nobody = preview(rule, actor=ROOT, registry=alerts.things(signals={"other": 1.0}))
    assert nobody.heard is not None
    assert (nobody.heard.is_told_here, nobody.heard.reading) == (False, None)


def test_a_source_that_does_not_answer_is_named_in_a_preview() -> None:
    registry = alerts.things(alerts.thing("lag:group:1"))

    def broken(actor: object) -> list[Any]:
        raise RuntimeError("this room is broken")

    registry.register_attention(broken)
    seen = preview(Wanted(name="all", at_least="warn"), actor=ROOT, registry=registry)
    assert len(seen.unread) == 1
    assert {each.seen.id for each in seen.things} == {"lag:group:1", f"unread:{seen.unread[0]}"}


def test_a_preview_shows_what_its_reader_may_see() -> None:
    registry = alerts.things(
        alerts.thing("lag:1", topics=["payroll"]),
        alerts.thing("lag:2", topics=["stock", "payroll"]),
        alerts.thing("lag:3", topics=["stock"]),
        alerts.thing("lag:4"),
    )
    limited = actors.actor(Role.VIEWER, name="lim", topics=("stock*",))
    seen = preview(Wanted(name="all"), actor=limited, registry=registry)
    assert ([each.seen.id for each in seen.things], seen.is_partial) == (["lag:3", "lag:4"], True)


def test_a_preview_over_rest_says_why_the_rule_would_not_be_saved() -> None:
    api = Api(Role.VIEWER)
    told = api("POST", "rules/preview", {"rule": RULE})
    assert (told["count"], told["incidents"], told["signal"], told["tells"], told["problems"]) == (
        *(0, [], None, ["pager"], []),
    )
    assert told["sentence"].endswith("Tells pager.")
    for rule, problem in (
        ({"rooms": ["lagg"]}, "There is no page 'lagg'"),
        ({"channels": ["nobody"]}, "No channel is called 'nobody'"),
        ({"condition": {"signal": "no.such", "enter": 2, "exit": 1}}, "There is no signal no.such"),
    ):
        assert api("POST", "rules/preview", {"rule": rule})["problems"][0].startswith(problem)
    told = api("POST", "rules/preview", {"rule": {"condition": {"signal": "no.such", "enter": 2, "exit": 1}}})
    assert (told["signal"]["told_here"], told["signal"]["known"], told["signal"]["value"]) == (False, False, None)
    for wrong in ({"rule": {"name": "NO"}}, {"rule": []}, {}, {"rule": {}, "more": 1}, {"rule": {"x": 1}}):
        api("POST", "rules/preview", wrong, status=422)


leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["", "lag", "crit", "room", "x\x00", "x" * 400, "[a-", "*" * 50, 10**400, -(2**63), ["lag"], [""]]),
    st.text(max_size=5),
)
NAMES = (
    *("name", "severity", "at_least", "rooms", "things", "raise_after_s", "clear_after_s", "together", "channels"),
    *("remind_after_s", "nonsense"),
)
CONDITION = {"signal": "lag.seconds", "subject": "billing", "enter": 60, "exit": 30}


@hypothesis.settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rule=st.dictionaries(st.sampled_from((*NAMES, "remind_after_s", "x")), leaves, max_size=3),
    condition=st.none()
    | leaves
    | st.dictionaries(st.sampled_from((*CONDITION, "fresh_s", "unit")), leaves, max_size=2),
)
def test_no_rule_breaks_a_preview(fuzzed: Api, rule: dict[str, Any], condition: Any) -> None:
    wanted = {**CONDITION, **condition} if isinstance(condition, dict) else condition
    problem = fuzzed.problem("POST", "rules/preview", {"rule": {**rule, "condition": wanted}})
    assert not problem or problem["detail"]


@pytest.fixture
def fuzzed(db: None) -> Api:
    return Api(Role.VIEWER)


def test_channels_are_told_without_what_is_secret() -> None:
    api = Api(Role.VIEWER)
    alerts.delivery(None, channel="chat", state=State.SENT)
    lost = alerts.delivery(None, channel="chat", answer="no answer within 10 s")
    alerts.delivery(None, channel="pager", state=State.GIVEN_UP, answer="refuses it (403)")
    told = api("GET", "channels")
    assert [(each["name"], each["title"], each["leads_to"]) for each in told["items"]] == [
        ("any", "Apprise", "ntfys://…"),
        ("chat", "Slack", "hooks.example"),
        ("hook", "Signed webhook", "hook.example"),
        ("pager", "PagerDuty", "events.example"),
    ]
    chat, pager = told["items"][1], told["items"][3]
    assert (chat["waiting"], chat["sent"], chat["failing"]) == (1, 1, "no answer within 10 s")
    assert datetime.fromisoformat(chat["oldest_at"]) == lost.created_at.replace(
        microsecond=lost.created_at.microsecond // 1_000 * 1_000
    )
    assert (pager["waiting"], pager["given_up"], pager["sent_at"]) == (0, 1, None)
    said = json.dumps([told, api("GET", "deliveries")])
    for secret in ("very-secret", "k" * 20, "services/T0", "ntfy.example", "user:"):
        assert secret not in said, secret


def test_a_channel_is_tried_by_a_message_that_is_read_then() -> None:
    api = Api()
    told = api("POST", "channels/pager/test", status=201)
    assert (told["event"], told["state"], told["incident"]) == ("test", "waiting", None)
    read = api("GET", f"deliveries/{told['id']}")
    assert "Nothing is wrong: this was asked for." in read["text"]
    for name in ("nobody", "pager2", "%00", "x" * 64, "..", "PAGER"):
        assert api.problem("POST", f"channels/{name}/test")["status"] in (404, 422)
    assert Delivery.objects.count() == 1


def test_a_channel_that_the_settings_describe_wrongly_is_a_sentence(settings: Settings) -> None:
    settings.ALERT_CHANNELS = {"pager": {"kind": "pigeon", "secret": "very-secret"}}
    for method, path in (("GET", "channels"), ("POST", "channels/pager/test")):
        problem = Api(Role.ADMIN, name=f"a-{method}")(method, path, status=409)
        assert (problem["code"], problem["detail"]) == (
            "wrong-channel",
            "The channel pager is of no kind that there is: webhook, pagerduty, slack, email, apprise.",
        )
