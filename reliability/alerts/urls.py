"""Where alerts are."""

from __future__ import annotations

from django.urls import path

from reliability.alerts.views import board, channels, incident, mutes, over, rules, runbooks

app_name = "alerts"
urlpatterns = [
    path("", board.page, name="board"),
    path("over/", over.page, name="over"),
    path("incidents/<int:number>/", incident.page, name="incident"),
    path("incidents/<int:number>/acknowledge/", incident.acknowledge, name="acknowledge"),
    path("mutes/", mutes.new, name="mute"),
    path("mutes/past/", mutes.past, name="mutes"),
    path("mutes/<int:number>/end/", mutes.end, name="unmute"),
    path("rules/", rules.edit, name="new-rule"),
    path("rules/<str:name>/", rules.edit, name="rule"),
    path("rules/<str:name>/delete/", rules.delete, name="delete-rule"),
    path("channels/<str:name>/test/", channels.test, name="test"),
    path("deliveries/", channels.deliveries, name="deliveries"),
    path("deliveries/<int:number>/again/", channels.send_again, name="send-again"),
    path("runbooks/", runbooks.index, name="runbooks"),
    path("runbooks/<str:slug>/", runbooks.page, name="runbook"),
]
