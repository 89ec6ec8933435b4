"""Rules: what they refuse, what they take, how they are read and written."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reliability.alerts.domain import packing, sentences
from reliability.alerts.domain.muting import Covers, Mute
from reliability.alerts.domain.rule import Rule, Together, severity_of, worse
from reliability.console.domain.conditions import Condition, WrongRule

LINE = {"signal": "lag.seconds", "subject": "payments", "enter": 60, "exit": 30}
GOOD = {"name": "slow", "rooms": ["lag"], "at_least": "warn", "together": "thing", "channels": ["on-call"]}


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ([], "is an object"),
        ({}, "has a name"),
        ({"name": "Slow"}, "small letters"),
        ({"name": "a" * 64}, "small letters"),
        ({"name": ""}, "small letters"),
        ({"name": "a\x00b"}, "it is a text"),
        ({**GOOD, "when": 1}, "has no 'when'"),
        ({**GOOD, "at_least": "ok"}, "warn or crit"),
        ({**GOOD, "at_least": ["warn"]}, "warn or crit"),
        ({**GOOD, "at_most": "warn", "at_least": "crit"}, "find nothing"),
        ({**GOOD, "together": "all"}, "rule or room or thing"),
        ({**GOOD, "rooms": "lag"}, "list of names"),
        ({**GOOD, "rooms": [""]}, "no name"),
        ({**GOOD, "rooms": ["a\x00"]}, "no name"),
        ({**GOOD, "rooms": [str(n) for n in range(21)]}, "at most 20"),
        ({**GOOD, "raise_after_s": -1}, "raise_after_s"),
        ({**GOOD, "clear_after_s": 1e9}, "clear_after_s"),
        ({**GOOD, "raise_after_s": float("nan")}, "raise_after_s"),
        ({**GOOD, "raise_after_s": "60"}, "it is a number"),
        ({**GOOD, "remind_after_s": 10}, "0 to tell once"),
        ({**GOOD, "things": "x" * 301}, "at most 300"),
        ({**GOOD, "condition": LINE}, "not both"),
        ({"name": "slow", "condition": []}, "is an object"),
        ({"name": "slow", "condition": {**LINE, "exit": 60}}, "flap"),
    ],
)
def test_what_is_no_rule_is_told_what_it_has_to_be(body: object, says: str) -> None:
    with pytest.raises(WrongRule, match=says):
        packing.rule_read(body)


@pytest.mark.parametrize("body", [GOOD, {"name": "slow", "condition": LINE, "severity": "warn"}, {"name": "all"}])
def test_a_rule_is_the_same_after_it_was_written_and_read(body: object) -> None:
    rule = packing.rule_read(body)
    assert packing.rule_read(json.loads(json.dumps(packing.rule_as_json(rule)))) == rule


@given(
    st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9), st.lists, max_leaves=6)
)
def test_nothing_else_than_a_sentence_comes_of_rubbish(value: object) -> None:
    for name in ("name", "rooms", "things", "condition", "raise_after_s", "together"):
        with suppress(WrongRule):
            packing.rule_read({"name": "slow", name: value})


@pytest.mark.parametrize(
    ("rule", "takes"),
    [
        (Rule(name="r"), True),
        (Rule(name="r", rooms=("lag",)), True),
        (Rule(name="r", rooms=("letters",)), False),
        (Rule(name="r", things="lag:*"), True),
        (Rule(name="r", things="letters:*"), False),
        (Rule(name="r", condition=Condition(signal="s", subject="", enter=2, exit=1)), False),
    ],
)
def test_a_rule_takes_the_things_that_it_names(rule: Rule, takes: bool) -> None:
    assert rule.takes(room="lag", severity="crit", thing="lag:group:1") is takes


def test_a_rule_takes_what_is_bad_enough_for_it() -> None:
    critical, warned = Rule(name="c", at_least="crit"), Rule(name="w", at_least="warn")
    assert not critical.takes(room="lag", severity="warn", thing="x")
    assert warned.takes(room="lag", severity="warn", thing="x")
    assert warned.takes(room="lag", severity="crit", thing="x")


def test_what_nobody_could_read_is_a_warning_and_what_is_paused_is_nothing() -> None:
    assert [severity_of(each) for each in ("crit", "warn", "unknown", "paused", "prog", "ok")] == [
        "crit",
        "warn",
        "warn",
        None,
        None,
        None,
    ]
    assert worse("", "warn")
    assert worse("warn", "crit")
    assert not worse("crit", "crit")
    assert not worse("crit", "warn")


def test_a_rule_reads_as_a_sentence() -> None:
    things = Rule(
        name="r", rooms=("lag",), raise_after_s=90, clear_after_s=60, channels=("on-call",), remind_after_s=3600
    )
    assert sentences.sentence(things) == (
        "When something on lag has been critical for 90 s, until it has been gone for 1 min. Things of one page are one"
        " incident. Tells on-call, and again each 1 h until somebody acknowledges."
    )
    assert sentences.sentence(Rule(name="r", raise_after_s=0, clear_after_s=0, at_least="warn", at_most="warn")) == (
        "When something is a warning (not critical), until it is gone. Things of one page are one incident."
        " Tells every channel."
    )
    condition = Condition(
        signal="lag.seconds", subject="pay", enter=60, exit=30, enter_for_s=120, exit_for_s=60, unit="s"
    )
    assert sentences.sentence(Rule(name="r", condition=condition, together=Together.RULE)) == (
        "When lag.seconds of pay is at least 60 s for 2 min (crit), until it is 30 s again for 1 min."
        " Tells every channel."
    )
    assert sentences.of_mute(Mute(covers=Covers.THINGS, of="lag:*")) == "things like lag:*"
