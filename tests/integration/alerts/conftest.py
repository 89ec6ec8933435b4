"""What tests of the alerts room stand on."""

from __future__ import annotations

import pytest

from tests.integration.alerts.world import World, without_usual

CHANNELS = {
    "pager": {"kind": "pagerduty", "routing_key": "k" * 32, "url": "https://events.example/v2/enqueue"},
    "hook": {"kind": "webhook", "url": "https://hook.example/alerts", "secret": "whsec_" + "s" * 32},
}


@pytest.fixture
def world(transactional_db: None, settings) -> World:  # type: ignore[no-untyped-def]
    """A console in small, with two channels and no rule."""
    settings.ALERT_CHANNELS = CHANNELS
    settings.MAINSTAY_URL = "https://mainstay.example"
    without_usual()
    return World()
