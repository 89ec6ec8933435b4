"""What viewers may not see is masked on the pages, too."""

from __future__ import annotations

import pytest
from django.test import Client

from dlq.api.replays import items_shown
from dlq.models import Letter, ReplayItem
from dlq.queries import replays
from reliability.access import Role
from tests.support import actors
from tests.support.actors import account
from tests.support.letters import record, store
from tests.support.replays import World

pytestmark = pytest.mark.django_db


def shown(path: str, role: Role) -> str:
    """A page as somebody of that role gets it."""
    client = Client()
    client.force_login(account(role).user)
    return client.get(path).content.decode()


@pytest.mark.parametrize(("role", "shows"), [(Role.VIEWER, False), (Role.OPERATOR, True)])
@pytest.mark.parametrize("path", ["/letters/all/", "/letters/{}/"])
def test_only_operators_see_secrets_in_messages_and_keys(path: str, role: Role, shows: bool) -> None:
    store(record(1, key=b"token=t0k3n", error_message="refused: password=hunter2"))
    page = shown(path.format(Letter.objects.get().pk), role)
    assert "refused: password=" in page
    assert ("hunter2" in page, "t0k3n" in page) == (shows, shows)


def test_a_failure_is_not_named_by_a_secret() -> None:
    store(record(1, error_message="refused: password=hunter"))
    assert "hunter" not in Letter.objects.select_related("group").get().group.title


@pytest.mark.parametrize(("role", "shows"), [(Role.VIEWER, False), (Role.OPERATOR, True)])
def test_what_an_item_of_a_replay_failed_with_is_masked_everywhere(world: World, role: Role, shows: bool) -> None:
    (letter,) = world.letters(1)
    run = world.approve(letter)
    ReplayItem.objects.update(error="refused: password=hunter2", state="failed_again")
    client = Client()
    client.force_login(account(role).user)
    for path in ("/letters/{letter}/?tab=history", "/replays/{run}/", "/api/v1/replays/{run}/items"):
        page = client.get(path.format(letter=letter.pk, run=run.pk)).content.decode()
        assert "password=" in page, path
        assert ("hunter2" in page) == shows, path


def test_items_name_no_new_letter_of_a_topic_out_of_sight(world: World) -> None:
    first, second = world.letters(2)
    Letter.objects.filter(pk=second.pk).update(origin_topic="secret")
    run = world.approve(first)
    ReplayItem.objects.update(new_letter=second)
    limited = actors.actor(Role.OPERATOR, topics=("orders*",))
    rows, after = replays.items(run)
    assert [item.new_letter for item in items_shown(rows, after, actor=limited).items] == [None]
    assert [item.new_letter for item in items_shown(rows, after, actor=actors.actor()).items] == [second.pk]
