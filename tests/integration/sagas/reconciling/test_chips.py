"""What is open, by difference, beside the list: apart for each reconciliation, and of that which the list shows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.test import Client

from reliability.access import Role
from sagas import reconciliations
from sagas.domain.reconciling.definition import difference
from tests.support import actors
from tests.support.reconciling import NAME, Books, Side, books

pytestmark = pytest.mark.django_db(transaction=True)
OTHER = "test_refunds"


@pytest.fixture
def both() -> Iterator[Books]:
    """Two reconciliations whose differences have one name."""
    refunds, seen = Side("refunds"), Side("payments")
    refunds.rows = {f"r-{number}": [{"state": "due"}] for number in range(2)}
    try:
        other = reconciliations.reconciliation(
            OTHER,
            "Refunds against payments",
            expected=refunds,
            seen=seen,
            every=timedelta(hours=1),
            differences=[
                difference(
                    "no_payment", "Nothing was paid back", when=lambda pair: not pair.seen, why=lambda pair: "due"
                )
            ],
        )
        with books() as made:
            made.order("o-1")
            made.compare()
            made.defined, ours = other, made.defined
            made.compare()
            made.defined = ours
            yield made
    finally:
        reconciliations.forget(OTHER)


@pytest.fixture
def olga(client: Client) -> Client:
    client.force_login(actors.account(Role.OPERATOR, name="olga").user)
    return client


def chips(client: Client, asked: str = "") -> list[tuple[str, str, str, str]]:
    found: list[tuple[str, str, str, str]] = client.get(f"/reconcile/{asked}").context["differences"]
    return found


def test_differences_of_one_name_are_apart_and_lead_to_their_own(both: Books, olga: Client) -> None:
    assert chips(olga) == [
        (OTHER, "no_payment", "Nothing was paid back", "2"),
        (NAME, "no_payment", "Nothing was paid", "1"),
    ]
    page = olga.get(f"/reconcile/?reconciliation={OTHER}&difference=no_payment")
    assert {row.finding.key for row in page.context["rows"]} == {"r-0", "r-1"}
    (title,) = [title for name, title in page.context["kinds"] if name == "no_payment" and " / " in title]
    assert set(title.split(" / ")) >= {"Nothing was paid", "Nothing was paid back"}


def test_they_count_what_the_list_is_narrowed_to(both: Books, olga: Client) -> None:
    assert chips(olga, "?q=r-") == [], "all of it is one difference"
    assert chips(olga, f"?reconciliation={OTHER}") == []
