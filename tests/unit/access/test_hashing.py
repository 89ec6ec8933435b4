"""Passwords tried at the same time."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import argon2
import pytest

from reliability.access import hashing

TOGETHER = 6


@pytest.mark.parametrize("what", ["encode", "verify"])
def test_however_many_sign_in_two_passwords_take_memory_at_once(monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    lock, working, most = threading.Lock(), 0, 0
    two = threading.Barrier(hashing.AT_ONCE)

    def slow(*_: object, **__: object) -> bytes:
        nonlocal working, most
        with lock:
            working += 1
            most = max(most, working)
        two.wait(10)  # none is done before a second one works, too
        with lock:
            working -= 1
        return b"$argon2id$"

    monkeypatch.setattr(argon2.low_level, "hash_secret", slow)
    monkeypatch.setattr(argon2.PasswordHasher, "verify", slow)
    hasher = hashing.Argon2()
    with ThreadPoolExecutor(TOGETHER) as pool:
        done = list(pool.map(lambda _: getattr(hasher, what)("a password", "argon2$salt"), range(TOGETHER)))

    assert len(done) == TOGETHER
    assert most == hashing.AT_ONCE


def test_a_password_is_what_it_was() -> None:
    hasher = hashing.Argon2()
    kept = hasher.encode("a password", "some salt of it")

    assert kept.startswith("argon2$argon2id$")
    assert hasher.verify("a password", kept)
    assert not hasher.verify("another", kept)
