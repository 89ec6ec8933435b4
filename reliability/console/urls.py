"""The console's own pages."""

from __future__ import annotations

from django.urls import path

from reliability.console.views import access, health, overview, related, settings, shell

app_name = "console"
urlpatterns = [
    path("", overview.page, name="overview"),
    path("settings/", settings.page, name="settings"),
    path("settings/access/", access.page, name="access"),
    path("settings/tokens/", access.issue_token, name="issue-token"),
    path("settings/tokens/<int:token_id>/revocation/", access.revoke_token, name="revoke-token"),
    path("settings/machines/<int:family_id>/end/", access.end_family, name="end-family"),
    path("settings/sessions/others/end/", access.end_other_sessions, name="end-other-sessions"),
    path("settings/sessions/<int:session_id>/end/", access.end_session, name="end-session"),
    path("settings/accounts/<int:user_id>/sessions/end/", access.end_all_sessions, name="end-all-sessions"),
    path("settings/accounts/<int:user_id>/disable/", access.set_active, {"active": False}, name="disable-account"),
    path("settings/accounts/<int:user_id>/enable/", access.set_active, {"active": True}, name="enable-account"),
    path("search/", shell.search, name="search"),
    path("orders/<path:order_id>/", related.order, name="order"),
    path("health/live", health.live, name="health-live"),
    path("health/ready", health.ready, name="health-ready"),
    path("metrics", health.prometheus, name="metrics"),
    path("rail/", shell.rail, name="rail"),
]
