"""Where sagas are."""

from __future__ import annotations

from django.urls import path

from sagas.views import acting, definitions, listing, one

app_name = "sagas"
urlpatterns = [
    path("", listing.page, name="sagas"),
    path("definitions/", definitions.page, name="definitions"),
    path("<uuid:saga_id>/", one.page, name="saga"),
    path("<uuid:saga_id>/acts/<slug:act>/", acting.page, name="act"),
]
