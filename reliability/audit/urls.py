"""Where the activity page is."""

from __future__ import annotations

from django.urls import path

from reliability.audit.views import activity

app_name = "audit"
urlpatterns = [
    path("activity/", activity.page, name="activity"),
    path("activity/<int:seq>/", activity.entry, name="entry"),
]
