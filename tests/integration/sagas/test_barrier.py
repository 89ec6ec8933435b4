"""The three things that go wrong between a saga and whom it calls."""

from __future__ import annotations

import pytest
from django.db import connection, transaction

from sagas import barrier

pytestmark = pytest.mark.django_db


def test_twice_is_once() -> None:
    assert [barrier.enter("s1:charge:do"), barrier.enter("s1:charge:do")] == [True, False]
    assert [barrier.enter("s1:charge:undo"), barrier.enter("s1:charge:undo")] == [True, False]


def test_an_undo_of_nothing_does_nothing_and_shuts_the_door() -> None:
    assert barrier.enter("s1:charge:undo") is False
    assert barrier.enter("s1:charge:do") is False
    assert barrier.enter("s1:charge:undo") is False


def test_rounds_are_works_of_their_own() -> None:
    assert barrier.enter("s1:charge:undo") is False
    assert barrier.enter("s1:charge:do:2") is True
    assert barrier.enter("s1:charge:undo:2") is True


@pytest.mark.parametrize(
    "key", ["", "s1", "s1:charge", "s1:charge:redo", "s1:charge:do:2:3", "s1:char\x00ge:do", "x" * 500]
)
def test_what_is_no_key_is_refused(key: str) -> None:
    with pytest.raises(barrier.WrongKey):
        barrier.enter(key)


@pytest.mark.django_db(transaction=True)
def test_it_lives_and_dies_with_the_work() -> None:
    def fail() -> None:
        with transaction.atomic():
            barrier.enter("s1:charge:do")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    with transaction.atomic():
        assert barrier.enter("s1:charge:do") is True
    assert not connection.in_atomic_block
    with pytest.raises(barrier.NotInTransaction):
        barrier.enter("s1:charge:do")
