"""The sagas of one key, as the page of what it names shows them."""

from __future__ import annotations

import pytest
from django.test import Client

from reliability.access import Role
from reliability.kernel.errors import Permanent
from sagas.domain.acts import Act, Command
from sagas.operations import acting
from sagas.views import related
from tests.support.actors import account, actor
from tests.support.sagas import Shop, raising, run, start, state

VIEWER = actor(Role.VIEWER)


def test_a_saga_says_how_it_stands_and_what_it_did(shop: Shop) -> None:
    saga_id = start(shop.order(), key="ord-17", data={"card": "of-nobody"})
    start(shop.order(), key="ord-170")
    run()
    (part,) = related.sagas(VIEWER, "ord-17", 1.0)
    assert (part.title, part.status, part.word) == ("order v1", "ok", "Completed")
    assert part.text == "Every step is done."
    assert part.url == f"/sagas/{saga_id}/"
    assert part.at is not None
    assert dict(part.facts).keys() == {"Started"}
    assert [row.text for row in sorted(part.happened, key=lambda row: row.url.rpartition("-")[2].zfill(3))] == [
        "started",
        "reserve: done",
        "charge: begins",
        "charge: done",
        "ship: begins",
        "ship: done",
        "completed",
    ]
    assert "of-nobody" not in str(part), "data are for operators, on the saga's own page"
    assert related.sagas(VIEWER, "ord-1", 1.0) == []


def test_one_that_needs_a_person_leads_who_may_act_to_it(shop: Shop) -> None:
    shop.then("charge", raising(TimeoutError("no answer within 3 s")))
    saga_id = start(shop.order(), key="ord-17")
    run()
    (part,) = related.sagas(VIEWER, "ord-17", 1.0)
    assert (part.status, part.word, part.links) == ("crit", "Needs a person", ())
    assert ("At hand", "charge") in part.facts
    (part,) = related.sagas(actor(Role.OPERATOR), "ord-17", 1.0)
    assert [(link.label, link.url) for link in part.links] == [("Decide what happens", f"/sagas/{saga_id}/")]
    acting.act(
        saga_id,
        Command(act=Act.HAPPENED),
        expected_version=state(saga_id).version,
        actor=actor(Role.OPERATOR),
        reason="seen at the provider",
    )
    (part,) = related.sagas(VIEWER, "ord-17", 1.0)
    (row,) = (row for row in part.happened if row.kind == "person")
    assert (row.who, row.text) == ("ana", "charge: outcome declared: seen at the provider")


def test_what_was_undone_says_why(shop: Shop) -> None:
    shop.then("charge", raising(Permanent("card refused")))
    start(shop.order(), key="ord-17")
    run()
    (part,) = related.sagas(VIEWER, "ord-17", 1.0)
    assert (part.status, part.word) == ("paused", "Undone")
    assert any("card refused" in row.text for row in part.happened)


@pytest.mark.parametrize("key", ["", "a\x00b", "\ud800", "ord-1%", "ord-*", "x" * 10_000])
def test_a_key_is_taken_as_it_stands_or_not_at_all(shop: Shop, key: str) -> None:
    start(shop.order(), key="ord-17")
    assert related.sagas(VIEWER, key, 1.0) == []


def test_a_saga_leads_to_everything_about_its_key(shop: Shop, client: Client) -> None:
    saga_id, other = start(shop.order(), key="ord/17?"), start(shop.order(), key="..")
    client.force_login(account(Role.VIEWER, name="vito").user)
    assert 'href="/orders/ord/17%3F/"' in client.get(f"/sagas/{saga_id}/").content.decode()
    assert "/orders/" not in client.get(f"/sagas/{other}/").content.decode()
