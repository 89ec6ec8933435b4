"""Where flags are, for people (pages) and for clients of other languages (OFREP)."""

from __future__ import annotations

from django.urls import path, register_converter
from django.urls.converters import StringConverter

from reliability.degradation.ofrep import evaluating, events
from reliability.degradation.views import acting, flags, one, policies, windows


class KeyConverter(StringConverter):
    """Whatever a client calls a flag, line ends as well: what is none is answered as the contract says."""

    regex = "(?s:.+)"


register_converter(KeyConverter, "key")
app_name = "degradation"
urlpatterns = [
    path("ofrep/v1/evaluate/flags", evaluating.every, name="ofrep-bulk"),
    path("ofrep/v1/evaluate/flags/<key:key>", evaluating.one, name="ofrep-one"),
    path("ofrep/v1/events", events.stream, name="ofrep-events"),
    path("degradation/", flags.page, name="flags"),
    path("degradation/policies/", policies.edit, name="new-policy"),
    path("degradation/policies/<str:name>/", policies.edit, name="policy"),
    path("degradation/policies/<str:name>/delete/", policies.delete, name="delete-policy"),
    path("degradation/policies/<str:name>/release/", acting.release, name="release"),
    path("degradation/flags/<str:name>/", one.page, name="flag"),
    path("degradation/flags/<str:name>/set/", acting.set_level, name="set"),
    path("degradation/flags/<str:name>/longer/", acting.extend, name="extend"),
    path("degradation/flags/<str:name>/schedule/", windows.edit, name="new-window"),
    path("degradation/flags/<str:name>/schedule/<str:window>/", windows.edit, name="window"),
    path("degradation/flags/<str:name>/schedule/<str:window>/delete/", windows.delete, name="delete-window"),
    path("degradation/flags/<str:name>/clear/", acting.clear, name="clear"),
]
