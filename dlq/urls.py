"""Where dead letters, replays and discards are."""

from __future__ import annotations

from django.urls import path

from dlq.views import discards, groups, letters, plans, replays

app_name = "dlq"
urlpatterns = [
    path("letters/", groups.page, name="groups"),
    path("letters/groups/<int:group_id>/", groups.page, name="group"),
    path("letters/all/", letters.page, name="letters"),
    path("letters/<int:letter_id>/", letters.one, name="letter"),
    path("letters/<int:letter_id>/<slug:part>/bytes/", letters.raw, name="raw"),
    path("discards/", discards.collection, name="discards"),
    path("discards/new/", discards.ask, name="discard"),
    path("discards/<int:discard_id>/", discards.page, name="discarded"),
    path("discards/<int:discard_id>/undo/", discards.undo, name="undo-discard"),
    path("replays/", replays.runs, name="replays"),
    path("replays/plan/", plans.choose, name="choose"),
    path("replays/plans/", plans.draw, name="plans"),
    path("replays/plans/<int:plan_id>/", plans.page, name="plan"),
    path("replays/<int:replay_id>/", replays.run_page, name="run"),
    path("replays/<int:replay_id>/pause/", replays.pause, name="pause"),
    path("replays/<int:replay_id>/resumption/", replays.resume, name="resume"),
    path("replays/<int:replay_id>/cancellation/", replays.cancel, name="cancel"),
    path("replays/<int:replay_id>/rate/", replays.change_rate, name="rate"),
    path("replays/<int:replay_id>/consumer-group/", replays.choose_group, name="choose-group"),
]
