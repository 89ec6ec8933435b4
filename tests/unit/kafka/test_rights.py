"""What is missing of the rights that the console needs, and the command that grants it."""

from __future__ import annotations

import pytest

from reliability.kafka import ports, rights
from reliability.kafka.rights import CLUSTER, EVERY, Need

SEES: frozenset[str] = frozenset({"DESCRIBE"})
NOTHING: frozenset[str] = frozenset()


def need(kind: rights.Kind, name: str, operation: str, *, is_vital: bool = False) -> Need:
    return Need(kind=kind, name=name, operation=operation, purpose="does x", without="no x", is_vital=is_vital)


def allowed(**given: object) -> ports.Allowed:
    nothing: dict[str, object] = {
        "cluster": NOTHING,
        "topics": {},
        "groups": {},
        "any_topic": NOTHING,
        "any_group": NOTHING,
    }
    return ports.Allowed(**(nothing | given))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("wanted", "has", "is_missing"),
    [
        (need("cluster", CLUSTER, "DESCRIBE"), {}, True),
        (need("cluster", CLUSTER, "DESCRIBE"), {"cluster": SEES}, False),
        (need("cluster", CLUSTER, "DESCRIBE"), {"cluster": frozenset({"ALL"})}, False),
        (need("topic", EVERY, "DESCRIBE"), {}, True),
        (need("topic", EVERY, "DESCRIBE"), {"any_topic": SEES}, False),
        (need("topic", EVERY, "DESCRIBE"), {"any_topic": frozenset({"READ"})}, False),
        (need("topic", EVERY, "READ"), {}, True),
        (need("topic", EVERY, "READ"), {"any_topic": SEES}, False),  # no topic is there to tell by
        (need("topic", EVERY, "READ"), {"any_topic": SEES, "topics": {"a": SEES}}, True),
        (need("topic", EVERY, "READ"), {"any_topic": SEES, "topics": {"a": frozenset({"READ"})}}, False),
        (need("topic", EVERY, "READ"), {"topics": {"a": frozenset({"READ"})}}, False),  # what is seen is read
        (need("topic", "a", "WRITE"), {"topics": {"a": SEES}}, True),
        (need("topic", "a", "WRITE"), {"topics": {"a": NOTHING}}, True),
        (need("topic", "a", "WRITE"), {"topics": {"a": None}}, False),  # it is not there
        (need("topic", "a", "WRITE"), {}, False),  # nobody asked
        (need("group", EVERY, "DELETE"), {"any_group": SEES}, True),
        (need("group", EVERY, "DELETE"), {"any_group": frozenset({"DELETE"})}, False),
        (need("group", "g", "READ"), {"groups": {"g": NOTHING}}, True),
    ],
)
def test_what_is_missing(wanted: Need, has: dict[str, object], is_missing: bool):
    assert bool(rights.missing([wanted], allowed(**has))) == is_missing


def test_a_right_that_some_topics_lack_names_them():
    has = {"any_topic": SEES, "topics": dict.fromkeys("abcd", SEES) | {"e": frozenset({"READ"})}}
    [found] = rights.missing([need("topic", EVERY, "READ")], allowed(**has))
    assert found.sentence == "Read on every topic (lacking for 4 of 5: a, b, c, ...): does x; without it no x"


def test_what_is_vital_comes_first():
    wanted = [need("cluster", CLUSTER, "DESCRIBE"), need("group", "g", "READ", is_vital=True)]
    found = rights.missing(wanted, allowed(groups={"g": NOTHING}))
    assert [each.need.kind for each in found] == ["group", "cluster"]


def test_one_command_for_each_thing_with_its_words_quoted():
    wanted = [
        need("topic", EVERY, "READ"),
        need("topic", EVERY, "DESCRIBE_CONFIGS"),
        need("group", "it's; rm -rf /", "READ"),
        need("cluster", CLUSTER, "DESCRIBE"),
    ]
    found = rights.missing(wanted, allowed(groups={"it's; rm -rf /": NOTHING}))
    beginning = "kafka-acls.sh --bootstrap-server a:1,b:2 --command-config admin.properties --add --allow-principal"
    assert rights.commands(found, servers="a:1,b:2", principal="User:CN=console,O=Example Inc") == [
        f"{beginning} 'User:CN=console,O=Example Inc' --operation Read --operation DescribeConfigs --topic '*'",
        f"{beginning} 'User:CN=console,O=Example Inc' --operation Read --group 'it'\"'\"'s; rm -rf /'",
        f"{beginning} 'User:CN=console,O=Example Inc' --operation Describe --cluster",
    ]
