"""The reset in the browser's eyes: form, preview, result, undo."""

from __future__ import annotations

import html
import re
import shlex
from io import StringIO

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.test import Client

from reliability.kernel.record import TopicPartition
from reliability.lag.models import Group, Reset
from reliability.lag.operations import reset_acts
from tests.integration.lag.resetting import apply, commits, form_url, planned, words
from tests.integration.lag.world import World
from tests.support import actors

pytestmark = pytest.mark.django_db(transaction=True)

ORDERS_1 = TopicPartition("orders", 1)


def test_the_form_says_that_it_can_be_done_and_what_forbids_it(ana: Client, stopped: World) -> None:
    assert "Nobody is in the group" in words(ana.get(form_url()))
    stopped.group("billing", stopped.member("one", 0, 1))
    stopped.polls(2)
    shown = words(ana.get(form_url()))
    assert "1 member is in the group: stop its consumers" in shown
    assert "Preview" in shown, "somebody may come back without loading the page anew"


def test_a_preview_says_in_one_sentence_and_by_partition_what_it_would_do(ana: Client, stopped: World) -> None:
    made = planned(ana)
    shown = words(ana.get(f"/lag/resets/{made.pk}/"))
    assert "billing goes on 140 records earlier: 140 will be read again, none skipped." in shown
    assert "orders 0 60 5 55 0" in shown
    assert "140 records are handled a second time: right only if its consumers are idempotent" in shown
    assert "190 records will wait; for how long is not known" in shown
    assert "nothing is changed" in shown
    assert commits(stopped) == [60, 90]


@pytest.mark.parametrize(
    ("fields", "after"),
    [
        ({"to": "latest"}, [100, 100]),
        ({"to": "offset", "offset": " 70 "}, [70, 70]),
        ({"to": "offset", "offset": "1,000"}, [100, 100]),
        ({"to": "shift", "count": "20", "way": "back"}, [40, 70]),
        ({"to": "shift", "count": "5", "way": "on"}, [65, 95]),
        ({"to": "ago", "ago": "1h"}, [100, 100]),
        ({"to": "time", "at": "2026-01-01T00:00", "zone": "Europe/Berlin"}, [100, 100]),
        ({"to": "file", "offsets": "topic,partition,offset\norders,1,12"}, [12]),
        ({"to": "file", "offsets": '[{"topic": "orders", "partition": 0, "offset": 9}]'}, [9]),
        ({"to": "earliest", "some": "1", "topic": "orders"}, [5, 5]),
    ],
)
def test_every_target_is_planned(ana: Client, fields: dict[str, str], after: list[int]) -> None:
    made = planned(ana, **fields)
    assert [row[3] for row in made.rows] == after
    assert ana.get(f"/lag/resets/{made.pk}/").status_code == 200


def test_a_time_is_read_in_the_zone_that_the_form_showed(ana: Client) -> None:
    ana.cookies["mainstay_time"] = "Europe/Berlin"
    assert 'name="zone" value="Europe/Berlin"' in ana.get(form_url()).content.decode()
    made = planned(ana, to="time", at="2026-01-01T09:30", zone="Europe/Berlin")
    assert made.target == "2026-01-01T08:30:00Z"


def test_a_file_is_uploaded_and_its_errors_have_lines(ana: Client) -> None:
    good = SimpleUploadedFile("offsets.csv", b"orders,0,7\n")
    assert planned(ana, to="file", file=good).target == "the offsets of a file, 1 partition"
    bad = SimpleUploadedFile("offsets.csv", b"orders,0,7\norders,x,7\nor ders,0,1\n")
    answer = ana.post(form_url(), {"to": "file", "file": bad})
    assert answer.status_code == 422
    assert "line 2: &#x27;x&#x27; is no partition" in answer.content.decode()
    assert "line 3:" in words(answer)
    latin = SimpleUploadedFile("offsets.csv", b"orders,0,7\n\xff\xfe")
    assert "line 2: this is not text in UTF-8" in words(ana.post(form_url(), {"to": "file", "file": latin}))


def test_it_is_applied_shown_by_partition_and_undone_after_another_preview(ana: Client, stopped: World) -> None:
    made = planned(ana)
    answer = apply(ana, made)
    assert answer.status_code == 302
    assert commits(stopped) == [5, 5]
    shown = words(ana.get(answer["Location"]))
    for each in (
        "Applied",
        "orders 0 set",
        "By ana",
        "“a bug is fixed”",
        "billing was set 140 records earlier",
        "Undo",
    ):
        assert each in shown, each
    stopped.polls()
    answer = ana.post(f"/lag/resets/{made.pk}/undo/")
    assert answer.status_code == 302
    back = Reset.objects.latest("pk")
    shown = words(ana.get(answer["Location"]))
    assert f"Undo of reset #{made.pk}" in shown
    assert "140 will be skipped" in shown
    assert "140 records are not read again: before the reset the group had passed them" in shown
    assert commits(stopped) == [5, 5], "an undo is looked at first"
    apply(ana, back, reason="the wrong group")
    assert commits(stopped) == [60, 90]
    shown = words(ana.get(f"/lag/resets/{made.pk}/"))
    assert f"Taken back by reset #{back.pk}" in shown
    assert "undo sets them again" not in shown
    answer = ana.post(f"/lag/resets/{made.pk}/undo/")
    assert (answer.status_code, "undone already" in words(answer)) == (409, True)


def test_who_reset_it_and_why_is_on_the_group_page_and_in_its_list(ana: Client) -> None:
    made = planned(ana)
    apply(ana, made)
    body = ana.get(f"/lag/groups/{made.group_id}/").content.decode()
    assert body.count(f'href="/lag/resets/{made.pk}/"') == 2, "what the machine did, and what the person did"
    assert "reset the offsets of group billing" in words(ana.get(f"/lag/groups/{made.group_id}/"))
    listed = words(ana.get(form_url())).partition("Resets of this group")[2]
    assert "the earliest record ana: “a bug is fixed”" in listed


def test_preview_again_plans_the_same_anew(ana: Client, stopped: World) -> None:
    for fields in (
        {"to": "time", "at": "2026-01-01T09:30"},
        {"to": "shift", "count": "1200", "way": "back"},
        {"to": "offset", "offset": "70"},
        {"to": "file", "offsets": "orders,1,12"},
    ):
        made = planned(ana, **fields)
        body = ana.get(f"/lag/resets/{made.pk}/").content.decode()
        form = re.findall(r'<form class="after"[^>]*>.*?</form>', body, flags=re.DOTALL)[0]
        again = dict(re.findall(r'name="(\w+)" value="([^"]*)"', form))
        again.pop("csrfmiddlewaretoken")
        anew = planned(ana, **again)
        assert (anew.pk, anew.target, anew.hash) == (made.pk + 1, made.target, made.hash)


def test_an_old_preview_says_so_and_has_no_button(ana: Client, stopped: World) -> None:
    made = planned(ana)
    stopped.time.advance(16 * 60)
    shown = words(ana.get(f"/lag/resets/{made.pk}/"))
    assert "Expired preview" in shown
    assert "to apply it" not in shown
    assert "Preview again" in shown
    assert "older than a quarter of an hour" in words(apply(ana, made))


def test_an_open_page_learns_what_became_of_it(ana: Client) -> None:
    made = planned(ana)
    headers = {"HX-Request": "true", "X-Region": "reset"}
    url = f"/lag/resets/{made.pk}/"
    etag = ana.get(url, headers=headers)["ETag"].strip('"')
    assert ana.get(f"{url}?v={etag}", headers=headers).status_code == 204
    apply(ana, made)
    assert ana.get(f"{url}?v={etag}", headers=headers).status_code == 200


def test_a_group_whose_name_is_hostile_is_text(ana: Client, stopped: World) -> None:
    name = ' <b>"billing"</b> & $(reboot)'
    stopped.group(name)
    stopped.commit(50, name=name)
    stopped.polls(2)
    group = Group.objects.get(name=name)
    assert ana.post(f"/lag/groups/{group.pk}/reset/", {"to": "earliest"}).status_code == 302
    made = Reset.objects.latest("pk")
    body = ana.get(f"/lag/resets/{made.pk}/").content.decode()
    assert '<b>"billing' not in body
    assert "-- &#x27; &lt;b&gt;" in body, "quoted for a shell"
    assert apply(ana, made, name=name.strip()).status_code == 302, "nobody sees a space before it"


def test_an_undo_that_deletes_a_commit_shows_that(ana: Client, stopped: World) -> None:
    del stopped.broker.group("billing").committed[ORDERS_1]
    stopped.polls(2)
    made = planned(ana, to="file", offsets="orders,1,12")
    apply(ana, made)
    stopped.polls()
    back = reset_acts.preview_undo(reset_id=made.pk, actor=actors.actor(), now=stopped.time.now())
    shown = words(ana.get(f"/lag/resets/{back.pk}/"))
    assert "goes on without its commit in 1 partition" in shown
    assert "deleted" in shown
    stopped.commit(13, partition=1)
    assert "preview again" in words(apply(ana, back)), "somebody committed since: that is not deleted unseen"
    stopped.commit(12, partition=1)
    apply(ana, back)
    assert commits(stopped) == [60, None]


def test_what_is_copied_as_a_command_does_the_same(ana: Client, stopped: World) -> None:
    name = "-dashed --yes $(reboot)"
    stopped.group(name)
    stopped.commit(50, name=name)
    stopped.polls(2)
    url = f"/lag/groups/{Group.objects.get(name=name).pk}/reset/"
    assert ana.post(url, {"to": "shift", "count": "20", "way": "back"}).status_code == 302
    made = Reset.objects.latest("pk")
    body = html.unescape(ana.get(f"/lag/resets/{made.pk}/").content.decode())
    anew, known = (re.findall(rf"<pre>[^<]*manage.py (lag_reset --{first} [^<]*)</pre>", body)[0] for first in
                   ("cluster", "plan"))  # fmt: skip
    with pytest.raises(CommandError, match="Add --yes"):
        call_command(*[each for each in shlex.split(anew) if each != "--yes"], stdout=StringIO(), stderr=StringIO())
    again = Reset.objects.latest("pk")
    assert (again.pk, again.hash) == (made.pk + 1, made.hash)
    call_command(*shlex.split(known), stdout=StringIO(), stderr=StringIO())
    assert stopped.broker.group(name).committed[TopicPartition("orders", 0)] == 30
