"""Alerts over REST, with the rights of the pages."""

from __future__ import annotations

from ninja import Router

from reliability.alerts.api import channels, deliveries, incidents, mutes, previews, rules

router = Router()
for part in (incidents, mutes, previews, rules, channels, deliveries):
    router.add_router("", part.router)
