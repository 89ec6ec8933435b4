"""Resets in pages: who may look, who may act, and topics that stay hidden."""

from __future__ import annotations

import pytest
from django.test import Client

from reliability.access import Role
from reliability.audit.models import Entry
from reliability.kernel.record import TopicPartition
from tests.integration.lag.resetting import apply, commits, form_url, planned, words
from tests.integration.lag.world import World
from tests.support import actors

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_viewer_reads_all_and_is_told_why_there_is_no_button(ana: Client, vito: Client, stopped: World) -> None:
    made = planned(ana)
    assert "takes the role operator" in words(vito.get(form_url()))
    shown = words(vito.get(f"/lag/resets/{made.pk}/"))
    assert "140 will be read again" in shown
    assert "Applying takes the role operator" in shown
    assert vito.post(form_url(), {"to": "latest"}).status_code == 403
    assert apply(vito, made).status_code == 403
    apply(ana, made)
    assert "Undoing it takes the role operator" in words(vito.get(f"/lag/resets/{made.pk}/"))
    assert vito.post(f"/lag/resets/{made.pk}/undo/").status_code == 403
    refused = Entry.objects.filter(actor_name="vito", outcome="refused")
    assert refused.count() == 3


@pytest.fixture
def two_topics(stopped: World) -> World:
    stopped.broker.admin().create_topics({"secret": 1})
    stopped.broker.group("billing").committed[TopicPartition("secret", 0)] = 8
    stopped.play.ends[TopicPartition("secret", 0)] = 20
    stopped.polls(2)
    return stopped


def limited(*topics: str) -> Client:
    client = Client()
    client.force_login(actors.account(Role.OPERATOR, name=f"lim-{topics[0].strip('*')}", topics=topics).user)
    return client


def test_who_sees_some_topics_resets_these_only_and_never_reads_of_others(ana: Client, two_topics: World) -> None:
    some = limited("orders*")
    made = planned(some)
    assert {row[0] for row in made.rows} == {"orders"}
    whole = planned(ana)
    for page in (form_url(), f"/lag/resets/{whole.pk}/"):
        assert "secret" not in some.get(page).content.decode()
    shown = words(some.get(f"/lag/resets/{whole.pk}/"))
    assert "1 of topics that you may not see are left out" in shown
    assert "140 will be read again" in shown
    assert "Applying takes the role operator for all of its topics" in shown
    assert apply(some, whole).status_code == 403
    refused = some.post(form_url(), {"to": "file", "offsets": "secret,0,1"})
    assert (refused.status_code, "outside those that you may see" in words(refused)) == (422, True)
    apply(some, made)
    assert commits(two_topics) == [5, 5]
    assert two_topics.broker.group("billing").committed[TopicPartition("secret", 0)] == 8


def test_a_commit_of_a_hidden_topic_that_moves_is_not_named(two_topics: World) -> None:
    some = limited("orders*")
    two_topics.broker.group("billing").committed[TopicPartition("secret", 0)] = 9
    shown = words(some.post(form_url(), {"to": "earliest"}))
    assert "Commits of its other topics still move" in shown
    assert "secret" not in shown


def test_a_group_without_a_topic_that_one_may_see_is_not_there(ana: Client, two_topics: World) -> None:
    none = limited("stock*")
    made = planned(ana)
    assert none.get(form_url()).status_code == 404
    assert none.post(form_url(), {"to": "latest"}).status_code == 404
    assert none.get(f"/lag/resets/{made.pk}/").status_code == 404
    assert apply(none, made).status_code == 404
    assert none.post(f"/lag/resets/{made.pk}/undo/").status_code == 404
    for missing in (999_999_999, 10**30):
        assert none.get(f"/lag/resets/{missing}/").status_code == 404
        assert ana.post(f"/lag/groups/{missing}/reset/", {"to": "latest"}).status_code == 404
