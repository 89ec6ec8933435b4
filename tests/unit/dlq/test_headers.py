"""Headers as rows."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dlq.domain import headers


def test_every_header_is_a_row_in_order() -> None:
    rows = headers.view(
        [
            ("a", b"1"),
            ("a", None),
            ("a", b""),
            ("kafka_dlt-original-offset", b"\x00" * 7 + b"\x05"),
            ("t\u202e", b"\xff" * 9),
        ],
        dialect="spring-dlpr",
    )
    assert [(row.name, row.text, row.is_null, row.size) for row in rows] == [
        ("a", "1", False, 1),
        ("a", "", True, 0),
        ("a", "", False, 0),
        ("kafka_dlt-original-offset", "", False, 8),
        ("t<U+202E>", "", False, 9),
    ]
    assert [row.number for row in rows] == [None, None, None, 5, None]
    assert [row.is_left_out for row in rows] == [False, False, False, True, False]
    assert rows[4].hex == " ".join(["ff"] * 9)


def test_secrets_are_masked_for_those_who_may_only_look() -> None:
    secret = [("Authorization", b"Bearer x"), ("note", b"password=y"), ("plain", b"z"), ("token", None)]
    assert [row.text for row in headers.view(secret, dialect="unknown", mask=True)] == [
        "••••",
        "password=••••",
        "z",
        "",
    ]
    assert [row.hex for row in headers.view(secret, dialect="unknown", mask=True)] == ["", "", "7a", ""]
    assert headers.view(secret, dialect="unknown")[0].text == "Bearer x"


@given(st.lists(st.tuples(st.text(max_size=10), st.one_of(st.none(), st.binary(max_size=20))), max_size=5))
def test_any_headers_can_be_viewed(given_headers: list[tuple[str, bytes | None]]) -> None:
    assert len(headers.view(given_headers, dialect="unknown", mask=True)) == len(given_headers)
