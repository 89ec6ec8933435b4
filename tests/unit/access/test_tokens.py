"""The form of tokens."""

from __future__ import annotations

import hashlib

import pytest

from reliability.access.domain import tokens


def test_a_token_is_found_by_its_sha256() -> None:
    assert tokens.digest("mst_abc") == hashlib.sha256(b"mst_abc").digest()


@pytest.mark.parametrize("text", ["", "abc", "Mst_abc", " mst_abc", "mst_ü", "mst_" + "a" * 300, "mst_\udc80"])
def test_what_cannot_be_a_token_is_not_looked_up(text: str) -> None:
    assert tokens.digest(text) is None


def test_only_the_start_is_shown() -> None:
    assert tokens.shown("mst_0123456789abcdef") == "mst_012345"
