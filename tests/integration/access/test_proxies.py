"""Whose address is believed, behind as many proxies as the settings say, behind more and behind fewer."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from reliability.access import Role
from reliability.access.models import BrowserSession
from tests.support import actors

pytestmark = pytest.mark.django_db
PASSWORD = "a-password-of-some-length"


@pytest.mark.parametrize(
    ("proxies", "said", "address"),
    [
        (0, "6.6.6.6", "127.0.0.1"),
        (1, "6.6.6.6, 9.9.9.9", "9.9.9.9"),
        (2, "6.6.6.6, 9.9.9.9, 10.0.0.1", "9.9.9.9"),
        (2, "6.6.6.6", "127.0.0.1"),
        (5, "6.6.6.6, 7.7.7.7", "127.0.0.1"),
    ],
)
def test_nobody_chooses_an_address_and_nobody_is_locked_out(settings: Any, proxies: int, said: str, address: str):
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = proxies
    user = actors.account(Role.OPERATOR, name="ana").user
    user.set_password(PASSWORD)
    user.save()
    client = Client(headers={"X-Forwarded-For": said})
    answer = client.post("/accounts/login/", {"login": "ana", "password": PASSWORD})
    assert answer.status_code == 302
    assert client.get("/settings/").status_code == 200
    assert list(BrowserSession.objects.values_list("address", flat=True)) == [address]
