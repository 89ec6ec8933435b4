"""Where a refused act leads back to: a page of ours, whatever the browser says it came from."""

from __future__ import annotations

import pytest
from django.test import RequestFactory

from reliability.console.views.acts import came_from


def back_from(referrer: str) -> str:
    return came_from(RequestFactory(headers={"Referer": referrer}).post("/discards/"))


def test_it_leads_back_to_the_page_with_its_query() -> None:
    assert back_from("http://testserver/letters/all/?q=a:b&page=2") == "/letters/all/?q=a:b&page=2"


@pytest.mark.parametrize(
    "referrer",
    [
        "",
        "http://evil.example/letters/",
        "http://testserver",
        "http://testserver//evil.example/x",
        "http://testserver///evil.example/x",
        "http://testserver/\\evil.example/x",
        "http://testserver//evil.example/x?y=z",
        "http://testserver/\t/evil.example",
        "javascript:alert(1)",
        "letters/",
    ],
)
def test_it_never_leads_to_another_site(referrer: str) -> None:
    back = back_from(referrer)
    assert back.startswith("/")
    assert not back.replace("\\", "/").replace("\t", "").startswith("//")
    assert "evil" not in back
