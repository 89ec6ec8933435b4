"""Bodies made readable: lossless, bounded, masked."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlq.domain import masking, payload
from dlq.domain.payload import Node


def leaves(node: Node | None) -> dict[str, str]:
    """Every leaf by its dotted path; members of one name by their place."""
    found: dict[str, str] = {}

    def walk(node: Node, path: str) -> None:
        if not node.children:
            found[path if path not in found else f"{path}#"] = node.text
        for place, child in enumerate(node.children):
            walk(child, f"{path}.{place if child.key is None else child.key}".lstrip("."))

    if node is not None:
        walk(node, "")
    return found


def test_null_and_empty_are_told_apart() -> None:
    assert payload.view(None).kind == "null"
    assert payload.view(b"").kind == "empty"


def test_json_keeps_digits_order_and_doubled_names() -> None:
    body = b'{"id": 9007199254740993, "x": 1.10, "e": 1E400, "b": 1, "a": [null, true, "t"], "b": -0, "n": NaN}'
    shown = payload.view(body)
    assert shown.kind == "json"
    assert leaves(shown.tree) == {
        "id": "9007199254740993", "x": "1.10", "e": "1E400", "b": "1", "a.0": "null", "a.1": "true", "a.2": "t",
        "b#": "-0", "n": "NaN",
    }  # fmt: skip
    assert shown.text == body.decode()


def test_invisible_characters_are_shown() -> None:
    shown = payload.view('{"a\u202e": "x\\u0000\u200by"}'.encode())
    assert leaves(shown.tree) == {"a<U+202E>": "x␀<U+200B>y"}


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (b"plain words", "text"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00", "binary"),
        (bytes(range(256)), "binary"),
        ("ünï".encode(), "text"),
        (b"{", "text"),
        (b"[" * 100_000, "text"),
        (b'"just a string"', "json"),
        (b"null", "json"),
        (b"1" * 5000, "json"),
    ],
)
def test_it_tells_what_bytes_are(value: bytes, kind: str) -> None:
    assert payload.view(value).kind == kind


def test_a_wide_or_deep_document_is_cut_and_says_so() -> None:
    wide = payload.view(json.dumps(list(range(5000))).encode())
    assert wide.is_cut
    assert wide.tree is not None
    assert (wide.tree.size, len(wide.tree.children), wide.tree.hidden) == (5000, 2000, 3000)
    deep = payload.view(b"[" * 60 + b"]" * 60)
    assert deep.is_cut
    assert not payload.view(b"[[1]]").is_cut


def test_long_bodies_are_shown_in_part() -> None:
    shown = payload.view(b"x" * 10_000_000)
    assert (shown.size, len(shown.text), shown.is_cut) == (10_000_000, 64 * 1024, True)
    assert len(shown.hex) == 512
    big = payload.view(b'{"a": "' + b"x" * 2_000_000 + b'"}')
    assert big.kind == "text"


def test_hex_shows_offset_digits_and_ascii() -> None:
    first, second = payload.view(b"\x00\x01ABCDEFGHIJKLMNOP").hex
    assert (first.offset, first.ascii, second.offset, second.digits) == (
        "00000000",
        "..ABCDEFGHIJKLMN",
        "00000010",
        "4f 50",
    )


SECRETS = b'{"user": "ana", "cardNumber": "4111", "card": {"pan": 1}, "auth": {"access_token": ["t"]}, "note": "ok"}'


def test_secret_members_are_masked_and_the_raw_forms_withheld() -> None:
    shown = payload.view(SECRETS, mask=True)
    assert shown.is_masked
    assert leaves(shown.tree) == {"user": "ana", "cardNumber": "••••", "card": "••••", "auth": "••••", "note": "ok"}
    assert (shown.text, shown.hex) == ("", ())
    assert "4111" in payload.view(SECRETS).text


def test_what_a_cut_tree_leaves_out_is_not_given_away_by_the_raw_form() -> None:
    body = json.dumps({"a": list(range(3000)), "password": "hunter2"}).encode()
    assert "hunter2" not in str(payload.view(body, mask=True))
    large = json.dumps({"a": "x" * 2_000_000, "b": "y"}).replace('"a"', '"password": "hunter2", "a"').encode()
    assert payload.view(large, mask=True).kind == "text"
    assert "hunter2" not in str(payload.view(large, mask=True))


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("password=hunter2&x=1", "password=••••&x=1"),
        ("Authorization: Bearer abc.def", "Authorization: ••••"),
        ("paid with 4111 1111 1111 1111 today", "paid with •••• today"),
        ("order 4111111111111112", "order 4111111111111112"),
        ("offset 1795000000000", "offset 1795000000000"),
        ('{"iban": "DE00 1234", "a": 1', '{"iban": "••••", "a": 1'),
        ("the token of thanks", "the token of thanks"),
    ],
)
def test_secrets_in_plain_text_are_masked(text: str, masked: str) -> None:
    assert masking.masked_text(text) == masked


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("authorization", True),
        ("X-Api-Key", True),
        ("access_token", True),
        ("cardNumber", True),
        ("pin", True),
        ("shipping", False),
        ("company", False),
        ("order_id", False),
        ("author", False),
    ],
)
def test_a_name_tells_what_is_secret(name: str, secret: bool) -> None:
    assert masking.is_secret(name) is secret


@given(st.one_of(st.binary(max_size=300), st.text(max_size=100).map(lambda text: json.dumps({text: [text]}).encode())))
def test_any_bytes_can_be_viewed(value: bytes) -> None:
    for mask in (False, True):
        shown = payload.view(value, mask=mask)
        assert shown.size == len(value)
        assert "\x00" not in shown.text


@pytest.mark.parametrize(
    "value", [b'"' * 60_000, b"1" * 60_000, b'"a": ' * 12_000, b"password" * 8_000, b"4 " * 30_000]
)
def test_hostile_bodies_take_no_time(value: bytes) -> None:
    began = time.process_time()
    payload.view(value, mask=True)
    assert time.process_time() - began < 1.0


def test_large_json_is_not_read_whole_and_withheld_where_it_must_be_masked() -> None:
    large = b'{"card": {"number": "12"}, "rest": [' + b"1," * 200_000 + b"1]}"
    assert payload.view(large).kind == "text"
    masked = payload.view(large, mask=True)
    assert (masked.text, masked.hex, masked.is_masked) == ("", (), True)
