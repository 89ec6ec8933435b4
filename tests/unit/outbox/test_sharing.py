"""Fair shares: they add up, and nobody is left out."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from outbox.domain.sharing import fair_share, surplus


@given(st.sets(st.text(min_size=1), min_size=1, max_size=40))
def test_the_shares_of_all_members_are_all_shards_and_differ_by_one_at_most(members):
    shares = [fair_share(shards=16, members=list(members), me=me) for me in members]
    assert sum(shares) == 16
    assert max(shares) - min(shares) <= 1


def test_who_is_not_on_the_list_gets_nothing():
    assert fair_share(shards=16, members=["a"], me="b") == 0


def test_busy_shards_drain_before_they_are_given_back():
    assert surplus(owned=[1, 2, 3, 4], share=2, busy=frozenset({3, 4})) == [2, 1]
    assert surplus(owned=[1, 2, 3], share=1, busy=frozenset({1, 2, 3})) == []
    assert surplus(owned=[1, 2], share=5) == []
