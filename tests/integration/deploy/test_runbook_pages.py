"""What an alert's link leads to: a page of the console with the runbook."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from reliability.access import Role
from tests.support import actors, deployed

pytestmark = pytest.mark.django_db


@pytest.fixture
def viewer(client: Client) -> Client:
    client.force_login(actors.account(Role.VIEWER).user)
    return client


def test_the_link_of_each_alert_leads_to_its_runbook(viewer: Client) -> None:
    for name, rule in deployed.alerts().items():
        link = rule["annotations"]["runbook_url"].removeprefix("{{ $externalLabels.mainstay_url }}")
        answer = viewer.get(link)
        assert answer.status_code == 200, link
        page = answer.content.decode()
        assert name in page
        assert re.search(r"<h2[^>]*>What to do</h2>", page)
