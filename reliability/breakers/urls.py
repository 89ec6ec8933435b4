"""Where breakers are."""

from __future__ import annotations

from django.urls import path

from reliability.breakers.views import acting, one, wall

app_name = "breakers"
urlpatterns = [
    path("", wall.page, name="wall"),
    path("<str:name>/", one.page, name="breaker"),
    path("<str:name>/override/", acting.override, name="override"),
    path("<str:name>/override/end/", acting.take_back, name="take-back"),
    path("<str:name>/rules/", acting.rules, name="rules"),
    path("<str:name>/reset/", acting.reset, name="reset"),
]
