"""Where the outbox is."""

from __future__ import annotations

from django.urls import path

from outbox.views import page

app_name = "outbox"
urlpatterns = [path("", page.page, name="outbox")]
