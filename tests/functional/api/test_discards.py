"""Discarding and undoing over the API."""

from __future__ import annotations

from datetime import timedelta

from dlq.models import Discard, Letter, LetterGroup
from reliability.audit.models import Entry
from tests.functional.api.conftest import Api
from tests.support.replays import World


def test_a_discard_needs_a_reason_and_is_reported_and_undone(api: Api, world: World) -> None:
    ids = [letter.pk for letter in world.letters(3)]
    assert api("POST", "/discards", {"scope": {"ids": ids}, "reason": " "})[1]["code"] == "reason-required"
    status, made = api("POST", "/discards", {"scope": {"ids": ids}, "reason": "test orders", "expected": 3})
    assert (status, made["count"], made["can_be_undone"]) == (201, 3, True)
    assert LetterGroup.objects.get().open_count == 0
    assert Letter.objects.filter(state="discarded", closed_at__isnull=False).count() == 3
    status, shown = api("GET", f"/discards/{made['id']}")
    assert shown["report"]["by_topic"] == [{"value": "orders", "letters": 3}]
    assert api("GET", f"/discards/{made['id']}/letters?limit=2")[1] == {"items": ids[:2], "next": ids[1]}
    status, undone = api("DELETE", f"/discards/{made['id']}")
    assert (status, undone["undone_by"], undone["can_be_undone"]) == (200, "operator/test", False)
    assert LetterGroup.objects.get().open_count == 3
    assert Letter.objects.filter(state="open", closed_at__isnull=True).count() == 3
    assert api("DELETE", f"/discards/{made['id']}")[1]["code"] == "already-undone"
    assert list(Entry.objects.order_by("seq").values_list("act", "outcome")) == [
        ("letters.discard", "refused"),
        ("letters.discard", "done"),
        ("letters.restore", "done"),
        ("letters.restore", "refused"),
    ]


def test_a_quarantined_letter_comes_back_as_quarantined(api: Api, world: World) -> None:
    (letter,) = world.letters(1)
    Letter.objects.update(state="quarantined")
    LetterGroup.objects.update(open_count=0, quarantined_count=1)
    _, made = api("POST", "/discards", {"scope": {"ids": [letter.pk]}, "reason": "x"})
    assert LetterGroup.objects.get().quarantined_count == 0
    api("DELETE", f"/discards/{made['id']}")
    letter.refresh_from_db()
    assert letter.state == "quarantined"
    assert LetterGroup.objects.get().quarantined_count == 1


def test_letters_being_replayed_or_closed_are_left_alone(api: Api, world: World) -> None:
    letters = world.letters(3)
    world.approve(letters[0])
    Letter.objects.filter(pk=letters[1].pk).update(state="resolved")
    ids = [letter.pk for letter in letters]
    _, made = api("POST", "/discards", {"scope": {"ids": ids}, "reason": "x"})
    assert (made["count"], made["skipped"]) == (1, {"replaying": 1, "resolved": 1})
    status, problem = api("POST", "/discards", {"scope": {"ids": ids}, "reason": "x"})
    assert (status, problem["code"]) == (409, "nothing-to-discard")


def test_another_number_than_was_shown_is_refused(api: Api, world: World) -> None:
    group = world.letters(2)[0].group_id
    status, problem = api("POST", "/discards", {"scope": {"group": group}, "reason": "x", "expected": 1})
    assert (status, problem["code"]) == (409, "count-changed")
    assert not Discard.objects.exists()


def test_after_the_window_it_cannot_be_undone(api: Api, world: World) -> None:
    (letter,) = world.letters(1)
    _, made = api("POST", "/discards", {"scope": {"ids": [letter.pk]}, "reason": "x"})
    Discard.objects.update(undo_until=world.now - timedelta(seconds=1))
    assert api("DELETE", f"/discards/{made['id']}")[1]["code"] == "undo-over"


def test_letters_out_of_scope_and_their_discards_do_not_exist(api: Api, world: World) -> None:
    who = "limited"
    (letter,) = world.letters(1)
    asked = {"scope": {"ids": [letter.pk]}, "reason": "x"}
    assert api("POST", "/discards", asked, who=who)[0] == 404
    _, made = api("POST", "/discards", asked)
    assert api("GET", f"/discards/{made['id']}", who=who)[0] == 404
    assert api("GET", "/discards", who=who)[1]["items"] == []
    assert api("DELETE", f"/discards/{made['id']}", who=who)[0] == 404
