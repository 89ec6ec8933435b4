"""Topics and the rights they need."""

from __future__ import annotations

import pytest

from reliability import access
from reliability.access import Role
from reliability.live.domain import topics
from reliability.live.queries import may_follow
from tests.support.actors import actor


@pytest.mark.parametrize("topic", ["letters", "replay:12", "outbox", "activity", "processes", "overview"])
def test_every_topic_names_a_right_that_exists(topic: str) -> None:
    assert topics.right_of(topic) in access.RIGHTS


def test_all_rights_of_the_table_exist() -> None:
    assert set(topics.RIGHT_OF.values()) <= set(access.RIGHTS)


@pytest.mark.parametrize(
    "topic",
    ["", "replay", "replay:", "letters:12", "replay:1:2", "nothing", "letters\n", "Letters", "replay:" + "9" * 65],
)
def test_other_words_are_no_topics(topic: str) -> None:
    assert topics.right_of(topic) is None


def test_who_has_no_role_follows_nothing() -> None:
    assert may_follow(actor(Role.VIEWER), "letters")
    assert not may_follow(actor(None), "letters")
    assert not may_follow(access.ANONYMOUS, "letters")
