"""Routes of the live room; the socket's is in ``sockets.py``."""

from __future__ import annotations

from django.urls import path

from reliability.live import views

app_name = "live"
urlpatterns = [path("live/versions", views.versions, name="versions")]
