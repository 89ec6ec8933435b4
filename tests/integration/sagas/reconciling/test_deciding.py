"""Who decides about a finding is told what was tried, what became of it, and why it may fail again."""

from __future__ import annotations

from collections.abc import Iterator
from io import StringIO

import pytest
from django.core.management import call_command
from django.test import Client

from reliability.access import Role
from reliability.kernel import clock
from sagas.domain.reconciling.finding import State
from sagas.management.commands import reconcile
from sagas.models import Finding, Touched
from sagas.reconciler import keys
from sagas.views import elsewhere
from tests.support import actors, outbox
from tests.support.letters import record, store
from tests.support.reconciling import NAME, Books, books

pytestmark = pytest.mark.django_db(transaction=True)
KEY = "ord-17"


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What stands on the page is meant here, not how fast this machine finds it."""
    monkeypatch.setattr(elsewhere, "WITHIN_S", 30.0)


@pytest.fixture
def ours() -> Iterator[Books]:
    outbox.empty()
    with books() as made:
        made.order(KEY)
        made.compare()
        yield made


@pytest.fixture
def signed_in(client: Client) -> Client:
    client.force_login(actors.account(Role.OPERATOR, name="olga").user)
    return client


def page(client: Client, what: str = "") -> str:
    return str(client.get(f"/reconcile/{Finding.objects.get().id}/{what}").content.decode())


def repair(client: Client) -> None:
    about = f"/reconcile/{Finding.objects.get().id}/repair/"
    shown = client.get(about).content.decode()
    plan = shown.partition('name="hash" value="')[2].partition('"')[0]
    client.post(about, {"repair": "ask_again", "hash": plan, "reason": "the desk was down"})
    assert Finding.objects.get().state == State.REPAIRING


def out_of_patience() -> None:
    found = Finding.objects.get()
    Finding.objects.update(patient_until=found.first_at)
    Touched.objects.update(due_at=found.first_at)
    keys.step()
    assert Finding.objects.get().state == State.OPEN


def test_a_repair_that_did_not_help_and_its_dead_letter_come_first(ours: Books, signed_in: Client) -> None:
    before = page(signed_in)
    assert "did not help" not in before
    assert 'class="button primary" id="repair"' in before
    repair(signed_in)
    out_of_patience()
    store(record(1, key=KEY.encode()), now=clock.SYSTEM.now())
    told = page(signed_in)
    assert "“Ask for the payment again” was tried at" in told
    assert 'class="button primary" id="letter"' in told
    assert 'class="button" id="repair"' in told
    assert "1 letter" in told.partition('aria-label="Elsewhere under this key"')[2].partition("</ul>")[0]


def test_a_finding_under_repair_says_what_was_sent_and_until_when_it_waits(ours: Books, signed_in: Client) -> None:
    repair(signed_in)
    told = page(signed_in)
    assert "it is opened again at" in told
    assert "Since the repair" in told
    assert "payments.asked" in told.partition("Since the repair")[2].partition("</li>")[0]


def test_where_what_is_sent_fails_of_late_the_dialog_says_so(ours: Books, signed_in: Client) -> None:
    assert "may fail now" not in page(signed_in, "repair/")
    store(record(1, key=b"another", origin_topic="payments.asked"), now=clock.SYSTEM.now())
    told = page(signed_in, "repair/")
    assert 'What is sent to <span class="mono">payments.asked</span> may fail now' in told
    assert "1 open letters" in told


def test_a_repair_is_called_by_its_title_in_history_and_list(ours: Books, signed_in: Client) -> None:
    repair(signed_in)
    assert "Ask for the payment again" in signed_in.get("/reconcile/").content.decode()
    ours.order(KEY, "paid")
    ours.pay(KEY)
    Touched.objects.update(due_at=Finding.objects.get().first_at)
    keys.step()
    assert "after “Ask for the payment again”" in page(signed_in)


def test_what_must_always_hold_does_not_make_an_open_finding_look_well(ours: Books, signed_in: Client) -> None:
    assert "Nothing of it is broken; what is wrong" in page(signed_in)


def test_a_comparison_with_differences_is_not_green(ours: Books, signed_in: Client) -> None:
    told = signed_in.get("/reconcile/").content.decode()
    assert f'class="compared warn" id="compared-{NAME}"' in told
    assert "1 differ" in told


def test_a_plan_of_repairs_belongs_to_reconcile(ours: Books, signed_in: Client) -> None:
    asked = {"reconciliation": NAME, "difference": "no_payment", "repair": "ask_again"}
    planned = signed_in.post("/reconcile/repairs/", asked).headers["Location"]
    rail = signed_in.get(planned).content.decode().partition('id="rail"')[2]
    assert 'aria-current="page"' in rail.partition('href="/reconcile/"')[2].partition("</a>")[0]
    assert 'aria-current="page"' not in rail.partition('href="/sagas/"')[2].partition("</a>")[0]


def test_many_repairs_end_with_how_their_findings_stand(
    ours: Books, signed_in: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconcile, "AGREE_WITHIN_S", 0.0)
    out, aside = StringIO(), StringIO()
    words = ("reconcile", "repair-all", NAME, "no_payment", "--reason", "r", "--as", "olga", "--yes")
    call_command(*words, stdout=out, stderr=aside)
    assert "By now: 1 repairing." in out.getvalue()
    assert "Whether the sides agree is seen when they are looked at again" in out.getvalue()
    assert "a plan of this moment" in aside.getvalue()
