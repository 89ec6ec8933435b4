"""Where findings are."""

from __future__ import annotations

from django.urls import path

from sagas.views.reconciling import acting, listing, one

app_name = "reconcile"
urlpatterns = [
    path("", listing.page, name="findings"),
    path("comparisons/<slug:name>/", listing.compare, name="compare"),
    path("repairs/", acting.repair_all, name="repair-all"),
    path("<int:finding_id>/", one.page, name="finding"),
    path("<int:finding_id>/look/", acting.look_again, name="look"),
    path("<int:finding_id>/repair/", acting.repair, name="repair"),
    path("<int:finding_id>/<str:act>/", acting.dismissal, name="dismissal"),
]
