"""The findings of one key, as the page of what it names shows them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.test import Client

from reliability import access
from reliability.access import Role
from sagas.models import Finding
from sagas.operations.reconciling import repairing
from sagas.reconciler import keys, policies
from sagas.views.reconciling import related
from tests.support import outbox
from tests.support.actors import account, actor
from tests.support.reconciling import Books, books

pytestmark = pytest.mark.django_db(transaction=True)

VIEWER, OPERATOR = actor(Role.VIEWER), actor(Role.OPERATOR)


@pytest.fixture
def ours() -> Iterator[Books]:
    outbox.empty()
    with books() as made:
        yield made


def opened(ours: Books, key: str = "ord-17") -> Finding:
    ours.order(key)
    keys.look(ours.defined, [key])
    return Finding.objects.get(key=key)


def repaired(finding: Finding, by: access.Actor) -> None:
    look = repairing.look(finding.id, actor=by)
    assert look.proposal is not None
    repairing.apply(finding.id, repair="ask_again", plan_hash=look.proposal.hash, actor=by, reason="ticket 7")


def test_an_open_finding_says_what_differs_and_leads_to_its_repair(ours: Books) -> None:
    finding = opened(ours)
    opened(ours, "ord-170")
    (part,) = related.of_key(OPERATOR, "ord-17", 1.0)
    assert (part.title, part.word) == ("Nothing was paid", "Open")
    assert part.text == "ord-17 is pending, and there is no payment."
    assert part.facts == (("Compared", "Orders against payments"),)
    assert part.url == f"/reconcile/{finding.id}/"
    assert [(link.label, link.url, link.opens) for link in part.links] == [
        ("Ask for the payment again…", f"/reconcile/{finding.id}/repair/", "dialog")
    ]
    assert sorted(row.text for row in part.happened) == [
        "Nothing was paid: open: it needs somebody",
        "Nothing was paid: seen to differ",
    ]
    (part,) = related.of_key(VIEWER, "ord-17", 1.0)
    assert part.links == ()
    assert "amount" not in str(part), "what the sides say is for operators, on the finding's own page"


def test_who_repaired_it_is_told_and_a_rule_is_no_person() -> None:
    outbox.empty()
    with books(by_rule=True) as made:
        repaired(opened(made), OPERATOR)
        repaired(opened(made, "ord-18"), access.policy_actor(policies.actor_name(made.defined.name)))
        (one,), (other,) = (related.of_key(VIEWER, key, 1.0) for key in ("ord-17", "ord-18"))
    assert (one.word, one.status) == ("Being repaired", "prog")
    said = "Nothing was paid: repair applied: Ask for the payment again: “ticket 7”"
    assert [(row.kind, row.who, row.text) for row in one.happened][:1] == [("person", "ana", said)]
    assert [(row.kind, row.text) for row in other.happened][:1] == [("machine", said)]


def test_what_agrees_again_is_told_as_closed(ours: Books) -> None:
    opened(ours)
    ours.pay("ord-17")
    ours.order("ord-17", "paid")
    keys.look(ours.defined, ["ord-17"])
    (part,) = related.of_key(OPERATOR, "ord-17", 1.0)
    assert (part.word, part.status, part.text, part.links) == ("Agrees", "ok", "", ())


@pytest.mark.parametrize("key", ["", "a\x00b", "\ud800", "ord-*", "ord-1%", "x" * 10_000])
def test_a_key_is_taken_as_it_stands_or_not_at_all(ours: Books, key: str) -> None:
    opened(ours)
    assert related.of_key(VIEWER, key, 1.0) == []


def test_a_finding_leads_to_everything_about_its_key(ours: Books, client: Client) -> None:
    finding = opened(ours)
    client.force_login(account(Role.VIEWER, name="vito").user)
    assert 'href="/orders/ord-17/"' in client.get(f"/reconcile/{finding.id}/").content.decode()
