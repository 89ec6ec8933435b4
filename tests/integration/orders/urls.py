"""The project's addresses with the demo's, which stand only in a demo."""

from __future__ import annotations

from django.urls import include, path

from reliability import urls

handler404 = urls.handler404
urlpatterns = [path("demo/", include("sagas.orders.urls")), *urls.urlpatterns]
