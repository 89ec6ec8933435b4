"""Back-off, murmur2, printable text, clocks, the errors' own sentences."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reliability.kernel import backoff, murmur, text
from reliability.kernel.clock import ManualClock
from reliability.kernel.errors import Permanent, Refused


def test_the_wait_doubles_up_to_the_cap_and_is_jittered_down_to_nothing() -> None:
    full = [backoff.delay_s(attempt=n, base_s=1, cap_s=10, random=lambda: 0.999) for n in range(1, 7)]
    assert [round(delay) for delay in full] == [1, 2, 4, 8, 10, 10]
    assert backoff.delay_s(attempt=3, base_s=1, cap_s=10, random=lambda: 0.0) == 0.0


@given(st.integers(min_value=1, max_value=10**9), st.floats(min_value=0, max_value=0.999))
def test_the_wait_never_passes_the_cap(attempt: int, dice: float) -> None:
    assert 0 <= backoff.delay_s(attempt=attempt, base_s=0.5, cap_s=30, random=lambda: dice) <= 30


def test_attempts_count_from_one() -> None:
    with pytest.raises(ValueError, match="counts from 1"):
        backoff.delay_s(attempt=0, base_s=1, cap_s=1, random=lambda: 0.5)


@pytest.mark.parametrize(
    ("key", "expected"),
    # Values that Apache Kafka's own tests of its hash state.
    [(b"21", -973932308), (b"foobar", -790332482), (b"a-little-bit-long-string", -985981536), (b"abc", 479470107)],
)
def test_it_hashes_like_the_java_client(key: bytes, expected: int) -> None:
    assert murmur.murmur2(key) == expected & 0xFFFFFFFF


@given(st.binary(), st.integers(min_value=1, max_value=1000))
def test_every_key_has_a_partition(key: bytes, count: int) -> None:
    assert 0 <= murmur.partition_for(key, count) < count


@given(st.binary(max_size=200) | st.text(max_size=200))
def test_printable_text_has_nothing_that_a_database_or_a_page_chokes_on(value: bytes | str) -> None:
    shown = text.printable(value, limit=100)
    assert len(shown) <= 100
    assert "\x00" not in shown
    shown.encode()


def test_it_shows_what_would_be_invisible() -> None:
    assert text.printable("a\x00b\x7f\u202ec", limit=50) == "a\u2400b\u2421<U+202E>c"
    assert text.printable(b"\xff\xfe", limit=50) == "\ufffd\ufffd"
    assert text.printable(None, limit=50) == ""


def test_an_error_without_a_message_says_its_docstring() -> None:
    class NoSuchGroup(Refused):
        """There is no such group.

        Not part of the sentence.
        """

    assert str(NoSuchGroup()) == "There is no such group."
    assert str(Permanent("said")) == "said"


def test_a_manual_clock_stands_still_until_it_is_moved() -> None:
    clock = ManualClock()
    before = clock.now()
    assert clock.now() == before
    clock.sleep(2.5)
    assert (clock.now() - before).total_seconds() == clock.monotonic() == 2.5
