"""Where consumer groups, their lag and the topics they read are."""

from __future__ import annotations

from django.urls import path

from reliability.lag.views import group, groups, topic

app_name = "lag"
urlpatterns = [
    path("", groups.page, name="groups"),
    path("groups/<int:group_id>/", group.page, name="group"),
    path("topics/<int:topic_id>/", topic.page, name="topic"),
]
