"""Pages that are asked to act on a failure group or a run that there is not."""

from __future__ import annotations

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from dlq.models import ReplayPlan
from reliability.access import Role
from tests.support.actors import account
from tests.support.replays import World


@pytest.mark.parametrize(
    ("method", "path"),
    [("get", "/replays/plan/"), ("post", "/replays/plans/"), ("get", "/discards/new/"), ("post", "/discards/")],
)
@pytest.mark.parametrize(
    ("sent", "says"),
    [({"group": "987654"}, "There is no failure group 987654"), ({"replay": "987654"}, "There is no such replay")],
)
def test_the_page_says_that_it_is_not_there(
    world: World, method: str, path: str, sent: dict[str, str], says: str
) -> None:
    account(Role.OPERATOR, name="ana")
    client = Client()
    client.force_login(get_user_model().objects.get(username="ana"))
    answer = getattr(client, method)(path, {**sent, "reason": "x"})
    assert answer.status_code == 404
    assert says in answer.content.decode()
    assert not ReplayPlan.objects.exists()
