"""Where sagas are."""

from __future__ import annotations

from django.urls import path

from sagas.views import acting, definitions, listing, one
from sagas.views.batches import asking
from sagas.views.batches import listing as batch_listing
from sagas.views.batches import one as batch

app_name = "sagas"
urlpatterns = [
    path("", listing.page, name="sagas"),
    path("definitions/", definitions.page, name="definitions"),
    path("batches/", batch_listing.page, name="batches"),
    path("batches/new/", asking.page, name="new-batch"),
    path("batches/<uuid:batch_id>/", batch.page, name="batch"),
    path("batches/<uuid:batch_id>/start/", batch.start, name="start-batch"),
    path("batches/<uuid:batch_id>/cancellation/", batch.cancel, name="cancel-batch"),
    path("<uuid:saga_id>/", one.page, name="saga"),
    path("<uuid:saga_id>/acts/<slug:act>/", acting.page, name="act"),
]
