"""Where the demo's page is."""

from __future__ import annotations

from django.urls import path

from sagas.orders.views import demo, pager

app_name = "orders"
urlpatterns = [
    path("", demo.page, name="demo"),
    path("pager/", pager.receive, name="pager"),
    path("faults/<slug:name>/<slug:state>/", demo.switch, name="switch"),
]
