"""The condition in the database means what the filter means in Python."""

from __future__ import annotations

import random

import pytest
from django.contrib.auth import get_user_model
from django.db.models import Q

from reliability.access import Role, visible_topics
from reliability.access.domain.actors import ANONYMOUS, Actor
from reliability.access.domain.scopes import TopicFilter
from tests.support.actors import actor

pytestmark = pytest.mark.django_db

SHAPES = ["a*", "*b", "a?b", "a.b", "a_b", "*", "?", "a*b*", "_*", "-", "*.*", "b", "a-*", "?*"]


@pytest.fixture
def names() -> set[str]:
    """Topic names in the one text column at hand, also the unknown one."""
    chance = random.Random(20261120)
    found = {"".join(chance.choices("ab._-", k=chance.randint(1, 5))) for _ in range(300)} | {"", "axb", "a.b", "a_b"}
    get_user_model().objects.bulk_create([get_user_model()(username=name) for name in found])
    return found


def seen(condition: Q) -> set[str]:
    return set(get_user_model().objects.filter(condition).values_list("username", flat=True))


def test_every_filter_selects_the_same_names_in_the_database(names: set[str]) -> None:
    chance = random.Random(7)
    for _ in range(60):
        topics = TopicFilter.of(chance.choices(SHAPES, k=chance.randint(0, 3)))
        if chance.random() < 0.4:
            topics = topics.narrowed(chance.choices(SHAPES, k=2))
        who = Actor(kind="user", name="ana", role=Role.VIEWER, scopes=topics)

        allowed = {name for name in names if visible_topics(who).allows(name)}

        assert seen(visible_topics(who).q("username")) == allowed, topics.patterns()


def test_who_has_no_role_sees_nothing(names: set[str]) -> None:
    for who in (ANONYMOUS, actor(None)):
        assert seen(visible_topics(who).q("username")) == set()


def test_an_unlimited_account_costs_no_condition() -> None:
    assert visible_topics(actor()).q("topic") == Q()


def test_a_row_without_a_topic_is_hidden_from_limited_accounts() -> None:
    user = get_user_model().objects.create(username="ana")
    nullable = visible_topics(actor(topics=("*a", "b*", "c"))).q("mainstay_account__role")  # NULL: no such row

    assert not get_user_model().objects.filter(nullable, pk=user.pk).exists()
