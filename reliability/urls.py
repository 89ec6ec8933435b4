"""The map of the console: pages, API, health."""

from __future__ import annotations

from django.conf import settings
from django.urls import URLPattern, URLResolver, include, path
from ninja import NinjaAPI

from reliability.access import api as access_api
from reliability.console import asked, bodies, problems

api = NinjaAPI(
    title="Mainstay",
    version=settings.MAINSTAY_VERSION,
    description="Lag, dead letters, the outbox, alerts, the audit trail: acts of the pages, with the same rights.",
    auth=access_api.either,
    urls_namespace="api",
    docs_url=None,
    parser=bodies.StrictJson(),
)
problems.install(api)
api.add_decorator(asked.only_known)
api.add_router("", "dlq.api.router")
api.add_router("/outbox", "outbox.api.router")
api.add_router("", "reliability.lag.api.router")
api.add_router("", "reliability.breakers.api.router")
api.add_router("", "reliability.degradation.api.router")
api.add_router("", "reliability.alerts.api.router")
api.add_router("", "sagas.api.router")
api.add_router("", "reliability.audit.api.router")
api.add_router("", "reliability.console.api.router")
api.add_router("", "reliability.console.access_api.router")
api.add_router("/auth", "reliability.console.machine_api.router")
if settings.MAINSTAY_DEMO:
    api.add_router("/demo", "sagas.orders.api.router")

urlpatterns: list[URLPattern | URLResolver] = [
    path("api/v1/", api.urls),
    path("accounts/", include("reliability.access.urls")),
    path("", include("reliability.live.urls")),
    path("", include("reliability.audit.urls")),
    path("", include("dlq.urls")),
    path("outbox/", include("outbox.urls")),
    path("lag/", include("reliability.lag.urls")),
    path("", include("reliability.degradation.urls")),
    path("breakers/", include("reliability.breakers.urls")),
    path("alerts/", include("reliability.alerts.urls")),
    path("sagas/", include("sagas.urls")),
    path("reconcile/", include("sagas.urls.reconcile")),
    path("", include("reliability.console.urls")),
]
if settings.MAINSTAY_DEMO:
    urlpatterns.insert(0, path("demo/", include("sagas.orders.urls")))

handler403 = "reliability.console.views.errors.forbidden"
handler404 = "reliability.console.views.errors.not_found"
handler500 = "reliability.console.views.errors.broken"
