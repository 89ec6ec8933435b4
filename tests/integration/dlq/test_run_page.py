"""The page of a run: what it says of a stop, of its end, of items that failed again."""

from __future__ import annotations

import pytest
from django.test import Client

from dlq.models import Letter, Replay
from outbox import operations as outbox_operations
from reliability.access import Role
from tests.support.actors import account, actor
from tests.support.letters import record, store
from tests.support.replays import World


def signed_in(role: Role, name: str, topics: tuple[str, ...] = ("*",)) -> Client:
    client = Client()
    client.force_login(account(role, name=name, topics=topics).user)
    return client


@pytest.fixture
def client() -> Client:
    return signed_in(Role.OPERATOR, "bo")


def shown(client: Client, address: str) -> str:
    return " ".join(client.get(address).content.decode().split())


def test_a_run_that_stopped_by_itself_does_not_lead_with_going_on(world: World, client: Client) -> None:
    run = world.approve(*world.letters(2))
    Replay.objects.update(state="stopped", stop_reason="5 of 5 failed again, more than 20%")
    page = shown(client, f"/replays/{run.pk}/")
    assert '<button id="resume">Resume</button>' in page
    assert "End it…</a>" in page
    Replay.objects.update(state="paused", stop_reason="")
    assert '<button class="primary" id="resume">Resume</button>' in shown(client, f"/replays/{run.pk}/")


def test_ending_a_run_tells_what_is_on_the_way_and_what_waits_for_its_outcome(world: World, client: Client) -> None:
    run = world.approve(*world.letters(3))
    question = f"/replays/{run.pk}/cancellation/"
    page = shown(client, question)
    assert "Nothing is on its way." in page
    assert "Leave it running" in page
    Replay.objects.update(state="stopped", counts={"planned": 1, "sent": 1, "queued": 1})
    page = shown(client, question)
    assert "<strong>1</strong> is on the way" in page
    assert "<strong>1</strong> was sent" in page
    assert "Nothing is on its way" not in page
    assert "Leave it as it is" in page
    assert "pause it" not in page


def test_pausing_with_one_sent_does_not_say_that_nothing_is_on_its_way(world: World, client: Client) -> None:
    run = world.approve(*world.letters(2))
    Replay.objects.update(counts={"planned": 1, "sent": 1})
    page = client.post(f"/replays/{run.pk}/pause/", follow=True).content.decode()
    assert "Paused. 1 was sent, the outcome is still to come." in page


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        ({"confirmed": 3}, "Finished</span>"),
        ({"confirmed": 2, "failed_again": 1}, "Finished, 1 failed</span>"),
        ({"confirmed": 2, "unknown": 1}, "Finished, 1 unknown</span>"),
    ],
)
def test_a_finished_run_says_what_its_colour_means(
    world: World, client: Client, counts: dict[str, int], words: str
) -> None:
    run = world.approve(*world.letters(3))
    Replay.objects.update(state="finished", finished_at=world.now, counts=counts)
    assert words in shown(client, f"/replays/{run.pk}/")
    assert words in shown(client, "/replays/")


def test_an_item_that_failed_again_says_why_and_leads_to_the_new_letter(world: World, client: Client) -> None:
    run = world.approve(*world.letters(1))
    store(record(70, error_type="shop.errors.StillDown", error_message="no answer yet"))
    new = Letter.objects.latest("pk")
    run.items.update(state="failed_again", proof="a new letter", new_letter=new)
    page = shown(client, f"/replays/{run.pk}/")
    assert f'StillDown: no answer yet <a href="/letters/{new.pk}/">letter {new.pk}</a>' in page
    Letter.objects.filter(pk=new.pk).update(origin_topic="secret")
    limited = shown(signed_in(Role.OPERATOR, "lo", topics=("orders",)), f"/replays/{run.pk}/")
    assert "a new letter" in limited
    assert "StillDown" not in limited
    assert f"/letters/{new.pk}/" not in limited


def test_what_is_queued_is_not_called_sent(world: World, client: Client) -> None:
    run = world.approve(*world.letters(3))
    world.advance(1)
    world.feed(run)
    page = shown(client, f"/replays/{run.pk}/")
    assert 'href="?state=queued#items"><b>1</b>' in page
    assert 'href="?state=sent#items"><b>0</b>' in page
    assert "1 queued" in page
    assert "outcome to come</li>" not in page
    world.send_all(run)
    page = shown(client, f"/replays/{run.pk}/")
    assert 'href="?state=sent#items"><b>3</b>' in page
    assert "queued" not in page


def test_a_run_says_when_the_outbox_holds_back_what_it_queued(world: World, client: Client) -> None:
    run = world.approve(*world.letters(3))
    admin = actor(Role.ADMIN)
    world.advance(1)
    world.feed(run)
    world.advance(1)
    world.feed(run)
    said = "The outbox is paused: nothing leaves until it is resumed."
    page = shown(client, f"/replays/{run.pk}/")
    assert said not in page
    assert "canary 1, waiting for the outbox" in page
    outbox_operations.pause(actor=admin, reason="broker moves", now=world.now)
    assert f'{said} <a href="/outbox/">' in shown(client, f"/replays/{run.pk}/")
    outbox_operations.resume(actor=admin, reason="moved")
    outbox_operations.pause(shards=[3], actor=admin, reason="one key", now=world.now)
    assert "1 of the outbox&#x27;s 16 shards is paused: what is queued there" in shown(client, f"/replays/{run.pk}/")
    Replay.objects.update(state="finished")
    assert "paused: what is queued there" not in shown(client, f"/replays/{run.pk}/")
    Replay.objects.update(state="running")
    outbox_operations.resume(actor=admin, reason="moved")
    assert "See the outbox" not in shown(client, f"/replays/{run.pk}/")


def test_what_failed_is_offered_to_be_retried_only_while_some_of_it_is_open(world: World, client: Client) -> None:
    letters = world.letters(3)
    run = world.approve(*letters)
    Replay.objects.update(state="finished", finished_at=world.now, counts={"confirmed": 1, "failed_again": 2})
    run.items.filter(letter__in=letters[:2]).update(state="failed_again")
    Letter.objects.filter(pk__in=[letter.pk for letter in letters[:2]]).update(state="open")
    Letter.objects.filter(pk=letters[2].pk).update(state="resolved")
    address = f"/replays/{run.pk}/"
    assert "Retry only what failed (2)</button>" in shown(client, address)
    Letter.objects.filter(pk=letters[0].pk).update(state="resolved")
    assert "Retry only what failed and is open (1)</button>" in shown(client, address)
    world.approve(letters[1])
    assert "Retry only what failed" not in shown(client, address), "a later run has it"
