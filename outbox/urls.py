"""Where the outbox is."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import path


def soon(request: HttpRequest) -> HttpResponse:
    return HttpResponse("soon")


app_name = "outbox"
urlpatterns = [path("", soon, name="outbox")]
