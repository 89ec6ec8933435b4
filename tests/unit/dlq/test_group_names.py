"""Consumer groups as dead letters name them: what cannot be a group's name counts as none, and says why."""

from __future__ import annotations

import sys

import pytest

from dlq.domain import dialects
from dlq.domain.failure import Failure
from reliability.kafka import group_names
from reliability.kernel.record import Header, Record

DIALECTS: dict[str, tuple[Header, ...]] = {
    "mainstay-dlq-group": (),
    "kafka_dlt-original-consumer-group": (("kafka_dlt-original-topic", b"orders"),),
    "__connect.errors.connector.name": (("__connect.errors.topic", b"orders"),),
}
RETRY: tuple[Header, ...] = (("kafka_original-topic", b"orders"),)


def read(*headers: Header) -> Failure:
    record = Record(topic="orders-dlt", partition=0, offset=7, key=b"k", value=b"v", headers=headers)
    values = dict(headers)
    return dialects.pick(values).read(values, record)


@pytest.mark.parametrize("header", DIALECTS)
@pytest.mark.parametrize("name", ["  ", "\t", "gb ", "gb\n", "gb\u00a0", "g" * 250, "ü" * 1_500])
def test_what_cannot_be_the_name_of_a_group_counts_as_none_and_says_so(header: str, name: str) -> None:
    failure = read(*DIALECTS[header], (header, name.encode()))
    assert failure.group == ""
    assert [error.startswith(header) for error in failure.errors] == [True]


@pytest.mark.parametrize("before", [DIALECTS["kafka_dlt-original-consumer-group"], RETRY, ()])
def test_a_name_is_never_trimmed_into_that_of_another_group(before: tuple[Header, ...]) -> None:
    header = "kafka_dlt-original-consumer-group" if before else "mainstay-dlq-group"
    assert read(*before, (header, b"\tgb")).group == ""
    assert read(*before, (header, b"gb")).group == "gb"


def test_a_name_as_long_as_can_be_is_kept_whole_and_with_connects_prefix_counted() -> None:
    assert read(("mainstay-dlq-group", b"g" * 249)).group == "g" * 249
    origin, header = DIALECTS["__connect.errors.connector.name"], "__connect.errors.connector.name"
    assert read(*origin, (header, b"c" * 241)).group == "connect-" + "c" * 241
    assert read(*origin, (header, b"c" * 242)).group == ""


def test_other_names_lose_the_blanks_around_them() -> None:
    assert read(("mainstay-dlq-origin-topic", b" orders\t"), ("mainstay-dlq-group", b"gb")).origin_topic == "orders"


def test_the_blanks_told_to_databases_are_all_that_strip_takes_off() -> None:
    assert set(group_names.BLANKS) == {one for one in map(chr, range(sys.maxunicode + 1)) if not one.strip()}
