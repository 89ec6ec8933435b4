"""Numbers: dense per partition and series, the same again when a batch is sent again."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from outbox.domain.numbering import EPOCH_JUMP, Numbering, resumed


def numbering(state, *, epoch: int = 1) -> Numbering:
    return Numbering(state, outbox="main", shard=3, epoch=epoch)


def test_numbers_start_at_one_and_name_their_origin():
    counted = numbering({})
    assert [counted.slot("orders", 0, 3).take() for _ in range(2)] == [b"main/3/1/1", b"main/3/1/2"]
    assert counted.slot("orders", 1, 3).take() == b"main/3/1/1"


def test_they_go_on_after_a_change_of_owner():
    first = numbering({}, epoch=1)
    first.slot("orders", 0, 3).take()
    assert numbering(first.state(), epoch=2).slot("orders", 0, 3).take() == b"main/3/1/2"


def test_another_partition_count_starts_a_new_series_in_all_partitions():
    first = numbering({})
    first.slot("orders", 0, 3).take()
    first.slot("orders", 1, 3).take()
    second = numbering(first.state())
    assert second.slot("orders", 0, 4).take() == b"main/3/2/1"
    assert second.state()["orders"] == [4, 2, {"0": 2}]


def test_a_jump_of_the_epoch_starts_a_series_above_all_before():
    first = numbering({})
    first.slot("orders", 0, 3).take()
    later = numbering(first.state(), epoch=EPOCH_JUMP + 2)
    assert later.slot("orders", 0, 3).take() == b"main/3/1000001/1"
    assert numbering(later.state(), epoch=EPOCH_JUMP + 9).slot("orders", 0, 3).take() == b"main/3/1000001/2"


def test_topics_that_a_batch_does_not_touch_keep_their_numbers():
    first = numbering({"stock": [2, 1, {"1": 7}]})
    first.slot("orders", 0, 3).take()
    assert first.state() == {"stock": [2, 1, {"1": 7}], "orders": [3, 1, {"0": 2}]}


places = st.lists(st.tuples(st.sampled_from(["orders", "stock"]), st.integers(0, 2)), max_size=30)


@given(places, places)
def test_a_batch_numbered_again_gets_the_same_numbers_whatever_came_before(earlier, batch):
    before = numbering({})
    for topic, partition in earlier:
        before.slot(topic, partition, 3).take()
    state = before.state()
    first = numbering(state)
    numbers = [first.slot(topic, partition, 3).take() for topic, partition in batch]
    again = numbering(resumed(state, first.firsts()))
    assert [again.slot(topic, partition, 3).take() for topic, partition in batch] == numbers
    assert again.state() == first.state()
