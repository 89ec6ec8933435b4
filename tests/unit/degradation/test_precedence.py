"""One precedence, whatever comes in whatever order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from reliability.degradation.domain.precedence import Entry, Source, Standing, default_entry, resolve

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
S = timedelta(seconds=1)


def entry(source: Source, level: int = 1, *, since: int = -10, until: int | None = None, owner: str = "") -> Entry:
    return Entry(
        source=source,
        level=level,
        actor="ana",
        reason="because.",
        since=NOW + since * S,
        until=None if until is None else NOW + until * S,
        owner=owner,
    )


def test_an_operator_is_before_a_drill_before_a_policy_before_a_schedule_before_the_code() -> None:
    known = [default_entry(0, since=NOW - S)]
    for level, source in ((1, Source.SCHEDULE), (2, Source.POLICY), (3, Source.DRILL), (0, Source.OPERATOR)):
        known.insert(0, entry(source, level, owner="slow"))
        standing = resolve(known, now=NOW)
        assert (standing.decides.source, standing.level) == (source, level)
        assert list(standing.shadows) == known[1:]


@pytest.mark.parametrize(
    ("source", "why"),
    [
        (Source.OPERATOR, "ana set it by hand: because."),
        (Source.DRILL, "A drill of ana sets it: because."),
        (Source.POLICY, "The policy slow set it: because."),
        (Source.SCHEDULE, "It is scheduled so by ana: because."),
        (Source.DEFAULT, "Nobody has said anything: it is the default of the code."),
    ],
)
def test_why_it_is_so_is_a_sentence(source: Source, why: str) -> None:
    assert resolve([entry(source, owner="slow")], now=NOW).why == why


def test_of_two_policies_the_one_that_takes_more_away_decides_and_then_the_older_one() -> None:
    mild, hard = entry(Source.POLICY, 1, since=-90, owner="a"), entry(Source.POLICY, 2, owner="b")
    older = entry(Source.POLICY, 2, since=-20, owner="c")
    assert resolve([mild, hard, older], now=NOW).decides == older


def test_it_holds_from_its_begin_and_no_more_at_its_end() -> None:
    word, code = entry(Source.SCHEDULE, 2, since=0, until=60), default_entry(0, since=NOW - 99 * S)
    levels = [resolve([word, code], now=NOW + second * S).level for second in (-1, 0, 59, 60)]
    assert levels == [0, 2, 2, 0]
    changes = [resolve([word, code], now=NOW + second * S).changes_at for second in (-1, 0, 60)]
    assert changes == [NOW, NOW + 60 * S, None]


def test_what_is_said_holds_at_once_also_where_a_clock_is_behind() -> None:
    word, code = entry(Source.OPERATOR, 2, since=5, until=60), default_entry(0, since=NOW - 99 * S)
    standing = resolve([word, code], now=NOW)
    assert (standing.level, standing.changes_at) == (2, NOW + 60 * S)


def test_without_any_entry_there_is_no_answer() -> None:
    with pytest.raises(ValueError, match="no entry holds"):
        resolve([entry(Source.OPERATOR, until=-1)], now=NOW)


ENTRIES = st.builds(
    entry,
    st.sampled_from([source for source in Source if source is not Source.DEFAULT]),
    st.integers(0, 5),
    since=st.integers(-100, 100),
    until=st.one_of(st.none(), st.integers(-50, 200)),
    owner=st.sampled_from(["", "a", "b"]),
)


@given(st.lists(ENTRIES, max_size=8), st.randoms())
def test_the_order_in_which_entries_are_known_makes_no_difference(known: list[Entry], shuffler: object) -> None:
    known.append(default_entry(0, since=NOW - 999 * S))
    mixed = list(known)
    shuffler.shuffle(mixed)  # type: ignore[attr-defined]
    assert resolve(known, now=NOW) == resolve(mixed, now=NOW)


@given(st.lists(ENTRIES, max_size=8))
def test_nothing_changes_before_the_instant_that_is_said(known: list[Entry]) -> None:
    known.append(default_entry(0, since=NOW - 999 * S))
    first = resolve(known, now=NOW)
    ends = first.changes_at or NOW + 400 * S
    for second in range(0, int((ends - NOW).total_seconds()), 7):
        assert resolve(known, now=NOW + second * S).decides == first.decides


class Words(RuleBasedStateMachine):
    """People, drills, policies and schedules speak and fall silent; a plain model says who decides."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.said: dict[tuple[Source, str], Entry] = {}

    @rule(
        source=st.sampled_from(list(Source)[:-1]),
        level=st.integers(0, 4),
        owner=st.sampled_from(["a", "b"]),
        lasts=st.one_of(st.none(), st.integers(1, 60)),
    )
    def says(self, source: Source, level: int, owner: str, lasts: int | None) -> None:
        until = None if lasts is None else self.now + lasts * S
        self.said[source, owner] = Entry(
            source=source, level=level, actor="x", reason="x", since=self.now, until=until, owner=owner
        )

    @precondition(lambda self: self.said)
    @rule(at=st.integers(0, 99))
    def takes_back(self, at: int) -> None:
        del self.said[sorted(self.said)[at % len(self.said)]]

    @rule(seconds=st.integers(1, 40))
    def time_passes(self, seconds: int) -> None:
        self.now += seconds * S

    def standing(self) -> Standing:
        return resolve([*self.said.values(), default_entry(0, since=NOW)], now=self.now)

    @invariant()
    def the_strongest_that_holds_decides(self) -> None:
        standing = self.standing()
        for source in Source:
            levels = [each.level for each in self.said.values() if each.source is source and each.holds(self.now)]
            if levels:
                assert (standing.decides.source, standing.level) == (source, max(levels))
                break
        else:
            assert (standing.decides.source, standing.level) == (Source.DEFAULT, 0)

    @invariant()
    def everything_else_that_holds_is_shown_as_shadowed(self) -> None:
        standing = self.standing()
        holding = sum(each.holds(self.now) for each in self.said.values()) + 1
        assert len(standing.shadows) == holding - 1
        ranks = [each.source.rank for each in (standing.decides, *standing.shadows)]
        assert ranks == sorted(ranks)


TestWords = Words.TestCase
