"""Where consumer groups, their lag and the topics they read are."""

from __future__ import annotations

from django.urls import path

from reliability.lag.views import group, groups, mutes, reset_plans, resets, topic

app_name = "lag"
urlpatterns = [
    path("", groups.page, name="groups"),
    path("groups/<int:group_id>/", group.page, name="group"),
    path("groups/<int:group_id>/mute/", mutes.page, name="mute"),
    path("groups/<int:group_id>/mute/end/", mutes.end, name="unmute"),
    path("groups/<int:group_id>/reset/", resets.page, name="reset"),
    path("resets/<int:reset_id>/", reset_plans.page, name="reset-plan"),
    path("resets/<int:reset_id>/undo/", reset_plans.undo, name="undo-reset"),
    path("topics/<int:topic_id>/", topic.page, name="topic"),
]
