"""Whoever was given a business key acts by it: the command finds the one saga or finding, or says which there are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from io import StringIO
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from django.test import Client

import sagas
from reliability.access import Role
from reliability.audit.models import Entry
from sagas import definitions
from sagas.domain.errors import Unknown
from sagas.domain.reconciling.finding import State
from sagas.models import Finding
from tests.support import actors, outbox
from tests.support.reconciling import Books, books
from tests.support.sagas import Shop, raising, run, start, state

pytestmark = pytest.mark.django_db(transaction=True)
KEY = "ord-17"


def said(*words: str) -> str:
    out = StringIO()
    call_command(*words, stdout=out)
    return out.getvalue()


@pytest.fixture(autouse=True)
def _olga(transactional_db: None) -> None:
    outbox.empty()
    actors.account(Role.OPERATOR, name="olga")
    actors.account(Role.VIEWER, name="vic")


@pytest.fixture
def lost(shop: Shop) -> UUID:
    shop.then("charge", raising(Unknown("no answer")))
    saga_id = start(shop.order(), key=KEY)
    run()
    return saga_id


@pytest.fixture
def differing() -> Iterator[Books]:
    with books() as made:
        made.order(KEY)
        made.compare()
        yield made


def test_a_saga_is_acted_on_by_its_key(lost: UUID) -> None:
    said("sagas", "act", KEY, "happened", "--as", "olga", "--reason", "seen there", "--yes")
    assert state(lost).state_of("charge").do.is_done


def test_a_key_of_several_sagas_is_no_answer(lost: UUID, told: UUID) -> None:
    other = told
    with pytest.raises(CommandError) as refused:
        said("sagas", "act", KEY, "happened", "--as", "olga", "--reason", "r", "--yes")
    assert "2 sagas have the key ord-17; say which" in str(refused.value)
    assert str(lost) in str(refused.value)
    assert str(other) in str(refused.value)
    with pytest.raises(CommandError, match="No saga has the id or the business key"):
        said("sagas", "act", "nobody", "retry", "--as", "olga")
    with pytest.raises(CommandError, match="vic"):
        said("sagas", "act", KEY, "happened", "--as", "vic")


def test_a_saga_is_shown_with_its_id_and_with_what_was_found(lost: UUID, differing: Books) -> None:
    told = said("sagas", "show", KEY)
    assert f"saga {lost}" in told
    assert f"! finding {Finding.objects.get().id}, open: no_payment" in told
    differing.pay(KEY)
    differing.order(KEY, "paid")
    differing.compare()
    assert "finding" not in said("sagas", "show", KEY)


def test_a_finding_is_acted_on_by_its_key(differing: Books) -> None:
    found = Finding.objects.get()
    assert f"finding {found.id}: {KEY}, open" in said("reconcile", "show", KEY)
    said("reconcile", "dismiss", KEY, "--as", "olga", "--reason", "known")
    assert Finding.objects.get().state == State.DISMISSED
    said("reconcile", "reopen", KEY, "--as", "olga", "--reason", "no")
    assert "Done, and on record" in said("reconcile", "repair", KEY, "--as", "olga", "--reason", "r", "--yes")
    assert Finding.objects.get().state == State.REPAIRING
    with pytest.raises(CommandError, match="No finding has the number or the key"):
        said("reconcile", "repair", "nobody", "--as", "olga")


def test_who_may_not_dismiss_is_refused_on_record(differing: Books) -> None:
    with pytest.raises(CommandError, match="vic"):
        said("reconcile", "dismiss", KEY, "--as", "vic", "--reason", "r")
    assert list(Entry.objects.values_list("act", "outcome")) == [("reconcile.dismiss", "refused")]


def refund(data: Mapping[str, Any], key: str) -> None:
    """Give the money back."""


@pytest.fixture
def told(shop: Shop) -> Iterator[UUID]:
    """A saga whose undo says what it does."""
    quick = sagas.retry(1)
    shop.then("ship", raising(Unknown("no answer")))
    defined = sagas.saga(
        "telling",
        steps=[
            sagas.step("charge", do=shop.work("charge"), undo=refund, retry=quick),
            sagas.step("ship", do=shop.work("ship"), unknown="person", retry=quick),
        ],
    )
    saga_id = start(defined, key=KEY)
    run()
    yield saga_id
    definitions.forget("telling", 1)


def test_what_an_undo_does_is_told_before_it_is_asked_for(told: UUID, client: Client) -> None:
    said("sagas", "act", KEY, "not_happened", "--as", "olga", "--reason", "not there", "--yes")
    assert "Give the money back" in said("sagas", "act", KEY, "compensate", "--as", "olga")
    client.force_login(get_user_model().objects.get(username="olga"))
    page = client.get(f"/sagas/{told}/acts/compensate/").content.decode()
    assert '<span class="does">Give the money back</span>' in page
