"""Files of offsets."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reliability.kernel.record import TopicPartition
from reliability.lag.domain import reset_file
from reliability.lag.domain.reset_file import BadFile

ORDERS = {TopicPartition("orders", 0): 5, TopicPartition("orders.v2_x-y", 1): 2**63 - 1}


@pytest.mark.parametrize(
    "text",
    [
        "orders,0,5\norders.v2_x-y,1,9223372036854775807",
        "\ufefftopic,partition,offset\r\norders,0,5\r\n\r\n orders.v2_x-y , 1 , 9223372036854775807 \r\n",
        '[{"topic":"orders","partition":0,"offset":5},{"topic":"orders.v2_x-y","partition":1,"offset":9223372036854775807}]',
        '\n [ {"offset": 5, "topic": "orders", "partition": 0}\n ,\n '
        '{"topic":"orders.v2_x-y","partition":1,"offset":9223372036854775807}\n ]\n',
    ],
    ids=["csv", "csv with a head, from Windows", "json", "json with lines"],
)
def test_a_file_names_partitions_and_offsets(text: str) -> None:
    assert reset_file.parse_file(text) == ORDERS


@pytest.mark.parametrize(
    ("text", "errors"),
    [
        ("", ["the file names no partition"]),
        ("topic,partition,offset\n", ["the file names no partition"]),
        ("[]", ["the file names no partition"]),
        ("orders,0", ["line 1: a line is topic,partition,offset; this one has 2 values"]),
        ("orders,0,5\norders,0,6", ["line 2: orders 0 is on line 1 already"]),
        ("orders,0,-5", ["line 1: '-5' is no offset"]),
        ("orders,-1,5", ["line 1: '-1' is no partition"]),
        ("orders,0,1_000", ["line 1: '1_000' is no offset"]),
        ("orders,0,\u0663", ["line 1: '\u0663' is no offset"]),
        ("orders,0,9223372036854775808", ["line 1: 9223372036854775808 is no offset"]),
        ("orders,2147483648,0", ["line 1: 2147483648 is no partition"]),
        (f"orders,0,{'9' * 5_000}", [f"line 1: '{'9' * 40}' is no offset"]),
        (",0,5", ["line 1: '' is no name of a topic"]),
        ("or ders,0,5\n\nx,y,z", ["line 1: 'or ders' is no name of a topic", "line 3: 'y' is no partition"]),
        ("orders\x00,0,5", ["line 1: 'orders\u2400' is no name of a topic"]),
        ('{"topic": "orders"}', ["line 1: a JSON file is a list: [{...}, {...}]"]),
        ("[1]", ['line 1: an item is {"topic": ..., "partition": ..., "offset": ...}']),
        ('[["orders",0,5]]', ['line 1: an item is {"topic": ..., "partition": ..., "offset": ...}']),
        ('[\n{"topic":"a","partition":0}]', ['line 2: an item is {"topic": ..., "partition": ..., "offset": ...}']),
        ('[{"topic":"a","partition":true,"offset":1}]', ["line 1: True is no partition"]),
        ('[{"topic":"a","partition":0,"offset":1.0}]', ["line 1: 1.0 is no offset"]),
        ('[{"topic":"a","partition":0,"offset":null}]', ["line 1: this is no offset"]),
        ('[{"topic":7,"partition":0,"offset":1}]', ["line 1: 7 is no name of a topic"]),
        ('[\n\n{"topic":"a",]', ["line 3: this is not JSON: Expecting property name enclosed in double quotes"]),
        (
            '[{"topic":"a","partition":0,"offset":1}',
            ["line 1: a comma or the end of the list is missing behind this item"],
        ),
        ('[{"topic":"a","partition":0,"offset":1}\n] x', ["line 2: something follows the end of the list"]),
        ("[", ["line 1: this is not JSON: Expecting value"]),
        (f"[{'9' * 5_000}]", ["line 1: this is not an offset"]),
        ("[" * 200_000, ["line 1: this is not an offset"]),
        (
            '[{"topic":"a","partition":0,"offset":1},\n{"topic":"a","partition":0,"offset":1}]',
            ["line 2: a 0 is on line 1 already"],
        ),
    ],
)  # fmt: skip
def test_a_wrong_file_is_refused_with_its_lines(text: str, errors: list[str]) -> None:
    with pytest.raises(BadFile) as raised:
        reset_file.parse_file(text)
    assert raised.value.errors == errors


def test_a_file_that_is_wrong_throughout_says_so_a_few_times_only() -> None:
    with pytest.raises(BadFile) as raised:
        reset_file.parse_file("wrong\n" * 1_000)
    assert len(raised.value.errors) == reset_file.ERRORS_MAX


def test_as_many_rows_as_allowed_are_read_and_no_more() -> None:
    text = "".join(f"orders,{at},{at * 7}\n" for at in range(reset_file.ROWS_MAX))
    assert len(reset_file.parse_file(text)) == reset_file.ROWS_MAX
    with pytest.raises(BadFile, match="line 100001: more than 100,000 partitions"):
        reset_file.parse_file(text + "orders,100000,1\n")


def test_a_file_too_large_is_not_even_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reset_file, "CHARS_MAX", 20)
    with pytest.raises(BadFile, match="larger than 20 characters"):
        reset_file.parse_file("orders,0,5\norders,1,5\n")


@given(
    st.dictionaries(
        st.tuples(st.from_regex(r"[A-Za-z0-9._-]{1,20}", fullmatch=True), st.integers(0, 2**31 - 1)),
        st.integers(0, 2**63 - 1),
        min_size=1,
    )
)
def test_csv_and_json_say_the_same(offsets: dict[tuple[str, int], int]) -> None:
    csv = "\n".join(f"{topic},{partition},{offset}" for (topic, partition), offset in offsets.items())
    items = [{"topic": topic, "partition": part, "offset": offset} for (topic, part), offset in offsets.items()]
    for text in (csv, json.dumps(items), json.dumps(items, indent=1)):
        assert reset_file.parse_file(text) == offsets


@given(st.text(max_size=60))
def test_no_text_breaks_the_reader(text: str) -> None:
    for attempt in (text, f"[{text}", f'[{{"topic":{text}'):
        with suppress(BadFile):
            assert reset_file.parse_file(attempt)
