"""Where clients of other languages ask for levels (OFREP)."""

from __future__ import annotations

from django.urls import path

from reliability.degradation.ofrep import evaluating, events

app_name = "degradation"
urlpatterns = [
    path("ofrep/v1/evaluate/flags", evaluating.every, name="ofrep-bulk"),
    path("ofrep/v1/evaluate/flags/<path:key>", evaluating.one, name="ofrep-one"),
    path("ofrep/v1/events", events.stream, name="ofrep-events"),
]
