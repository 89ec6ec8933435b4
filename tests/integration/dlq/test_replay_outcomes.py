"""What is said of sent items: by inbox rows, by new letters, by the group's offsets and the quiet after them."""

from __future__ import annotations

import pytest
from pytest_django import Settings

from dlq.domain.scope import Scope
from dlq.models import GroupWatch, Letter, LetterGroup, Replay, ReplayItem
from dlq.operations import outcomes, plans, replays
from dlq.operations.replays import control
from dlq.queries import sources
from outbox.domain import message
from outbox.models import Event, Inbox
from reliability.audit.models import Entry
from reliability.kafka import clusters
from reliability.kafka.incoming import ATTEMPT_MAX
from reliability.kernel.record import TopicPartition
from tests.support import letters as letter_support
from tests.support.letters import record, store
from tests.support.replays import GROUP, TOPIC, World, counted, states


def sent(world: World, count: int = 1, **changes: object) -> Replay:
    run = world.approve(*world.letters(count, **changes))
    world.send_all(run)
    return run


def settle(world: World, run: Replay, after_s: float = 1) -> dict[str, int]:
    world.advance(after_s)
    outcomes.settle_sent(now=world.now)
    outcomes.settle_late(now=world.now)
    assert states(run) == counted(run)
    return counted(run)


def commit(group: str, offsets: dict[TopicPartition, int]) -> None:
    consumer = clusters.consumer(group=group, client_id="test")
    assigned: set[TopicPartition] = set()
    consumer.subscribe(topics=sorted({place.topic for place in offsets}), on_assign=assigned.update)
    consumer.poll(max_records=1, timeout_s=0.1)
    consumer.commit(offsets, wait=True)
    consumer.close()


def group_reads_on(run: Replay) -> None:
    offsets: dict[TopicPartition, int] = {}
    for item in run.items.exclude(sent_offset=None):
        place = TopicPartition(item.sent_topic, item.sent_partition or 0)
        offsets[place] = max(offsets.get(place, 0), (item.sent_offset or 0) + 1)
    commit(GROUP, offsets)


def inbox(run: Replay, state: str, world: World, *, attempt: int | None = None) -> None:
    for item in run.items.all():
        Inbox.objects.create(
            digest=message.digest(GROUP, item.message_id),
            state=state,
            attempt=item.attempt if attempt is None else attempt,
            at=world.now,
        )


def dead_letter(world: World, item: ReplayItem, **changes: str | int) -> Letter:
    told = {"origin_offset": item.sent_offset or 0, "origin_partition": item.sent_partition or 0, "attempts": 4}
    store(record(1_000 + item.pk, **{**told, **changes}), now=world.now)
    return Letter.objects.order_by("-pk")[0]


def test_an_inbox_row_confirms_and_empties_the_group(world: World) -> None:
    run = sent(world, 30)
    assert LetterGroup.objects.get().replaying_count == 30
    inbox(run, "done", world)
    assert settle(world, run) == {"confirmed": 30}
    assert run.state == "finished"
    group = LetterGroup.objects.get()
    assert (group.open_count, group.replaying_count, group.count) == (0, 0, 30)
    assert set(Letter.objects.values_list("state", flat=True)) == {"resolved"}
    assert Letter.objects.filter(closed_at=world.now).count() == 30


def test_it_stays_sent_until_the_group_went_by_and_was_quiet_for_a_minute(world: World) -> None:
    run = sent(world, 3)
    assert settle(world, run, 600) == {"sent": 3}
    group_reads_on(run)
    assert settle(world, run) == {"sent": 3}
    assert settle(world, run, 58) == {"sent": 3}
    assert settle(world, run, 3) == {"passed": 3}
    assert run.state == "finished"
    assert {item.proof for item in run.items.all()} == {"no new letter for 60 s"}


def test_it_does_not_pass_while_our_ingest_is_behind_on_the_groups_dead_letter_topic(world: World) -> None:
    run = sent(world)
    group_reads_on(run)
    producer = clusters.producer(client_id="test")
    producer.produce(topic=letter_support.TOPIC, key=None, value=b"not read yet", on_delivery=None)
    producer.flush(5)
    for _ in range(5):
        assert settle(world, run, 100) == {"sent": 1}
    commit(sources.reader_group(), {TopicPartition(letter_support.TOPIC, 0): 1})
    assert settle(world, run) == {"sent": 1}
    assert settle(world, run, 61) == {"passed": 1}


def test_the_window_lasts_as_long_as_the_groups_retries(world: World) -> None:
    for seconds in (30, 300):
        world.create(f"{TOPIC}.{GROUP}.retry.{seconds}", partitions=1)
    run = sent(world)
    group_reads_on(run)
    assert settle(world, run) == {"sent": 1}
    assert settle(world, run, 329) == {"sent": 1}
    assert settle(world, run, 2) == {"passed": 1}


def test_a_new_letter_at_its_place_means_failed_again(world: World) -> None:
    run = sent(world)
    item = run.items.get()
    new = dead_letter(world, item)
    assert settle(world, run) == {"failed_again": 1}
    item.refresh_from_db()
    new.refresh_from_db()
    assert (item.new_letter, new.state, new.replay_count) == (new, "open", 1)
    assert item.letter.state == "resolved"
    assert LetterGroup.objects.get().open_count == 1


def test_a_letter_of_another_group_at_its_place_is_not_its_failure(world: World) -> None:
    run = sent(world)
    dead_letter(world, run.items.get(), group="stock")
    assert settle(world, run) == {"sent": 1}


def test_a_letter_of_the_topics_earlier_life_is_not_its_failure(world: World) -> None:
    (replayed,) = world.letters(1, start=5)
    (older,) = world.letters(1, start=0)
    run = world.approve(replayed)
    world.send_all(run)
    item = run.items.get()
    assert (item.sent_partition, item.sent_offset) == (older.origin_partition, older.origin_offset) == (0, 0)
    assert settle(world, run) == {"sent": 1}


def test_passed_may_still_turn_into_failed_again(world: World) -> None:
    run = sent(world)
    group_reads_on(run)
    settle(world, run)
    assert settle(world, run, 61) == {"passed": 1}
    dead_letter(world, run.items.get())
    assert settle(world, run, 3_600) == {"failed_again": 1}
    assert LetterGroup.objects.get().open_count == 1


def test_an_inbox_that_gave_up_without_a_letter_opens_the_old_one_and_a_late_letter_takes_over(world: World) -> None:
    run = sent(world)
    item = run.items.get()
    inbox(run, "gave_up", world)
    assert settle(world, run, 1) == {"sent": 1}
    assert settle(world, run, 15) == {"failed_again": 1}
    old = Letter.objects.get()
    assert (old.state, old.replay_count) == ("open", 1)
    new = dead_letter(world, item)
    settle(world, run)
    old.refresh_from_db()
    new.refresh_from_db()
    assert (old.state, new.state, new.replay_count) == ("resolved", "open", 1)
    assert LetterGroup.objects.get().open_count == 1


def test_an_inbox_row_of_an_earlier_attempt_decides_nothing_and_the_replay_counts_on_from_it(world: World) -> None:
    (letter,) = world.letters(1)
    Inbox.objects.create(digest=message.digest(GROUP, letter.message_id), state="gave_up", attempt=9, at=world.now)
    run = world.approve(letter)
    world.send_all(run)
    assert run.items.get().attempt == 10
    assert settle(world, run, 60) == {"sent": 1}


def test_a_message_whose_attempts_are_spent_is_not_sent_to_be_passed_over(world: World) -> None:
    (letter,) = world.letters(1)
    spent = {"state": "gave_up", "attempt": ATTEMPT_MAX, "at": world.now}
    Inbox.objects.create(digest=message.digest(GROUP, letter.message_id), **spent)
    run = world.approve(letter)
    world.advance(6)
    world.feed(run)
    item = run.items.get()
    letter.refresh_from_db()
    assert (item.state, letter.state) == ("cancelled", "open")
    assert "1,000,000 attempts" in item.error
    assert not Event.objects.exists()


def test_after_three_failed_replays_the_letter_is_quarantined_and_left_out_unless_named(world: World) -> None:
    (letter,) = world.letters(1)
    for _ in range(3):
        assert letter.state == "open"
        run = world.approve(letter)
        world.send_all(run)
        letter = dead_letter(world, run.items.get())
        settle(world, run)
        letter.refresh_from_db()
    assert (letter.state, letter.replay_count) == ("quarantined", 3)
    group = LetterGroup.objects.get()
    assert (group.open_count, group.quarantined_count) == (0, 1)


def test_a_group_reset_after_it_went_by_is_unknown(world: World) -> None:
    run = sent(world)
    group_reads_on(run)
    settle(world, run)
    item = run.items.get()
    commit(GROUP, {TopicPartition(item.sent_topic, item.sent_partition or 0): item.sent_offset or 0})
    assert settle(world, run) == {"unknown": 1}
    item.refresh_from_db()
    assert "reset or deleted" in item.proof
    assert Letter.objects.get().state == "open"


def test_after_the_deadline_it_is_unknown_and_a_late_proof_still_counts(world: World) -> None:
    run = sent(world)
    assert settle(world, run, 24 * 3_600) == {"unknown": 1}
    inbox(run, "done", world)
    assert settle(world, run) == {"confirmed": 1}
    assert Letter.objects.get().state == "resolved"


def test_a_relay_that_died_with_it_makes_it_unknown_and_the_next_plan_says_so(world: World) -> None:
    (letter,) = world.letters(1)
    run = world.approve(letter)
    world.feed(run)
    world.relay(lose=True)
    outcomes.take_receipts(now=world.now)
    assert counted(run) == {"unknown": 1}
    letter.refresh_from_db()
    again = plans.draw(scope=Scope(ids=(letter.pk,)), terms=plans.terms(), actor=world.operator, now=world.now)
    assert {warning["code"] for warning in again.warnings} == {"unknown-before", "no-inbox"}
    inbox(run, "done", world)
    assert settle(world, run) == {"confirmed": 1}
    letter.refresh_from_db()
    assert letter.state == "resolved"


def test_what_kafka_refuses_is_cancelled_with_the_reason_and_its_letter_open(world: World) -> None:
    run = world.approve(*world.letters(2))
    world.advance(1)
    world.feed(run)
    world.relay(refuse=[TOPIC])
    outcomes.take_receipts(now=world.now)
    item = run.items.get(state="cancelled")
    assert (item.refused, item.error) == (True, "UNKNOWN_TOPIC: it is gone")
    assert item.letter.state == "open"


def test_without_a_group_it_stays_sent_until_one_is_chosen(world: World) -> None:
    run = sent(world, group="")
    assert settle(world, run, 48 * 3_600) == {"sent": 1}
    assert (run.state, run.counts["groupless"]) == ("finished", 1)
    replays.choose_group(replay_id=run.pk, group=GROUP, reason="theirs", actor=world.operator, now=world.now)
    assert settle(world, run) == {"sent": 1}  # the deadline counts from here
    inbox(run, "done", world)
    assert settle(world, run) == {"confirmed": 1}


def test_a_group_is_chosen_only_for_items_that_have_none(world: World) -> None:
    run = sent(world)
    with pytest.raises(control.NothingGroupless):
        replays.choose_group(replay_id=run.pk, group="x", reason="theirs", actor=world.operator, now=world.now)
    assert run.items.get().consumer_group == GROUP
    assert [entry.outcome for entry in Entry.objects.filter(act="letters.settle")] == ["refused"]


def test_going_by_is_proof_for_a_group_declared_to_commit_after_processing(world: World, settings: Settings) -> None:
    settings.DLQ_CONSUMER_GROUPS = {GROUP: {"commits_after_processing": True}}
    run = sent(world)
    group_reads_on(run)
    assert settle(world, run) == {"confirmed": 1}


def test_a_kafka_that_does_not_answer_stops_nothing_but_the_watching(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from reliability.kafka import ports

    run = sent(world, 2)

    def unavailable(*args: object) -> dict[TopicPartition, int | None]:
        raise ports.Unavailable("down")

    monkeypatch.setattr(type(clusters.admin()), "committed", unavailable)
    assert settle(world, run, 10) == {"sent": 2}
    inbox(run, "done", world)
    assert settle(world, run) == {"confirmed": 2}
    assert not GroupWatch.objects.exists()
