"""What is said of a sent item: never more than is known."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Literal

import pytest

from dlq.domain import outcome
from dlq.domain.item import ItemEvent, ItemState
from dlq.domain.outcome import Evidence, InboxNote, Judgement, Round, Rules, Sent

T0 = datetime(2026, 1, 1, tzinfo=UTC)
SENT = Sent(state=ItemState.SENT, group="payments", attempt=4, offset=100, sent_at=T0)
RULES = Rules(window_s=60, deadline_s=3_600)
BEYOND = Evidence(committed=101, committed_known=True)


def at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def judge(item: Sent = SENT, evidence: Evidence = BEYOND, rules: Rules = RULES, *, after_s: float = 10) -> Judgement:
    return outcome.judge(item, evidence, rules, now=at(after_s))


def test_it_stays_sent_while_the_group_has_not_read_that_far() -> None:
    judged = judge(evidence=Evidence(committed=100, committed_known=True))
    assert (judged.event, judged.went_by_at) == (None, None)


def test_a_committed_offset_beyond_it_is_no_outcome_yet() -> None:
    judged = judge()
    assert (judged.event, judged.went_by_at, judged.window_from) == (None, at(10), None)


def test_the_window_begins_when_ingest_has_read_the_ends_asked_after_the_group_went_by() -> None:
    asked_before = replace(BEYOND, round=Round(asked_at=at(9), reached_at=at(10)))
    assert judge(evidence=asked_before).window_from is None
    asked_after = replace(BEYOND, round=Round(asked_at=at(10), reached_at=at(12)))
    assert judge(evidence=asked_after, after_s=12).went_by_at == at(12)
    gone_by = replace(SENT, went_by_at=at(10))
    assert judge(gone_by, asked_after, after_s=12).window_from == at(12)


def test_it_passes_when_ingest_is_up_to_date_at_the_end_of_a_quiet_window() -> None:
    watched = replace(SENT, went_by_at=at(10), window_from=at(12))
    early = replace(BEYOND, round=Round(asked_at=at(71), reached_at=at(73)))
    assert judge(watched, early, after_s=73).event is None
    late = replace(BEYOND, round=Round(asked_at=at(72), reached_at=at(73)))
    assert judge(watched, late, after_s=73).event is ItemEvent.GONE_BY


def test_it_does_not_pass_while_ingest_is_behind() -> None:
    watched = replace(SENT, went_by_at=at(10), window_from=at(12))
    assert judge(watched, BEYOND, after_s=1_000).event is None


def inbox(state: Literal["done", "retrying", "gave_up"], attempt: int = 4) -> Evidence:
    return replace(BEYOND, inbox=InboxNote(state=state, attempt=attempt, at=at(1)))


def test_an_inbox_row_that_is_done_is_proof() -> None:
    judged = judge(evidence=inbox("done", 1))
    assert (judged.event, judged.proof) == (ItemEvent.PROVED, "the consumer's inbox")


def test_an_inbox_row_that_gave_up_on_an_earlier_attempt_says_nothing() -> None:
    assert judge(evidence=inbox("gave_up", 3), after_s=60).event is None
    assert judge(evidence=inbox("gave_up", 4), after_s=60).event is ItemEvent.FAILED


def test_it_waits_a_little_for_the_letter_of_an_inbox_row_that_gave_up() -> None:
    assert judge(evidence=inbox("gave_up"), after_s=15).event is None
    assert judge(evidence=replace(inbox("gave_up"), new_letter=True), after_s=2).event is ItemEvent.FAILED


def test_it_does_not_pass_while_its_group_retries_it() -> None:
    watched = replace(SENT, went_by_at=at(10), window_from=at(12))
    late = Round(asked_at=at(80), reached_at=at(81))
    assert judge(watched, replace(inbox("retrying", 5), round=late), after_s=81).event is None


@pytest.mark.parametrize("state", ["retrying", "gave_up"])
def test_what_its_consumer_passed_over_is_unknown_in_the_end_and_never_passed(
    state: Literal["retrying", "gave_up"],
) -> None:
    watched = replace(SENT, went_by_at=at(10), window_from=at(12))
    late = Round(asked_at=at(80), reached_at=at(81))
    assert judge(watched, replace(inbox(state, 3), round=late), after_s=81).event is None
    assert judge(watched, replace(inbox(state, 3), round=late), after_s=100_000).event is ItemEvent.EXPIRED


def test_a_new_letter_outranks_proof() -> None:
    assert judge(evidence=replace(inbox("done"), new_letter=True)).event is ItemEvent.FAILED


def test_what_passed_may_still_fail_or_be_proved_but_never_expires() -> None:
    passed = replace(SENT, state=ItemState.PASSED)
    assert judge(passed, Evidence(new_letter=True)).event is ItemEvent.FAILED
    assert judge(passed, inbox("done")).event is ItemEvent.PROVED
    assert judge(passed, Evidence(committed_known=True), after_s=9_999).event is None


@pytest.mark.parametrize("committed", [None, 100, 3])
def test_a_group_reset_or_deleted_after_it_went_by_makes_it_unknown(committed: int | None) -> None:
    went_by = replace(SENT, went_by_at=at(5), window_from=at(6))
    judged = judge(went_by, Evidence(committed=committed, committed_known=True))
    assert judged.event is ItemEvent.EXPIRED
    assert "reset or deleted" in judged.proof


def test_a_kafka_that_does_not_answer_proves_nothing() -> None:
    went_by = replace(SENT, went_by_at=at(5), window_from=at(6))
    assert judge(went_by, Evidence(), after_s=30).event is None


def test_it_is_unknown_after_the_deadline() -> None:
    silent = Evidence(committed=5, committed_known=True)
    assert judge(evidence=silent, after_s=3_599).event is None
    assert judge(evidence=silent, after_s=3_600).event is ItemEvent.EXPIRED


def test_without_a_group_it_stays_sent_for_ever() -> None:
    assert judge(replace(SENT, group=""), BEYOND, after_s=1e7).event is None


def test_going_by_is_proof_for_a_group_that_commits_after_processing() -> None:
    rules = replace(RULES, commits_after_processing=True)
    assert judge(rules=rules).event is ItemEvent.PROVED
    assert judge(evidence=Evidence(committed=100, committed_known=True), rules=rules).event is None


def test_it_adds_up_the_waits_of_the_groups_own_retry_topics() -> None:
    topics = ["orders.payments.retry.5", "orders.payments.retry.300", "orders.stock.retry.9", "orders", "x.retry.1"]
    assert outcome.retry_total_s(topics, topic="orders", group="payments") == 305
    assert outcome.window_s(declared_retry_s=305) == 305
    assert outcome.window_s(declared_retry_s=5) == 60
