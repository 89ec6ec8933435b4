"""The console's own pages."""

from __future__ import annotations

from django.urls import path

from reliability.console.views import health, overview, related, settings, shell

app_name = "console"
urlpatterns = [
    path("", overview.page, name="overview"),
    path("settings/", settings.page, name="settings"),
    path("settings/tokens/", settings.issue_token, name="issue-token"),
    path("settings/tokens/<int:token_id>/revocation/", settings.revoke_token, name="revoke-token"),
    path("search/", shell.search, name="search"),
    path("orders/<path:order_id>/", related.order, name="order"),
    path("health/live", health.live, name="health-live"),
    path("health/ready", health.ready, name="health-ready"),
    path("metrics", health.prometheus, name="metrics"),
    path("rail/", shell.rail, name="rail"),
]
