"""A provider with other keys than it had, a broken, a slow, a dead one: a sentence, and passwords go on."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress

import jwt
import pytest
from pytest_django import Settings

from reliability.access import oidc
from reliability.access.oidc import asking, issuer
from tests.integration.access.oidc.conftest import Visitor
from tests.integration.access.oidc.test_forged_answers import by_hand, is_refused
from tests.support.forged_provider import (
    WELL_KNOWN,
    Claims,
    ec_key,
    rsa_key,
    serving,
)

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.integration.access.urls")]


def test_new_keys_are_taken_up_and_old_ones_that_are_gone_count_no_more(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(issuer, "KEYS_AGAIN_S", 0.0)
    visitor.signs_in()
    visitor.client.logout()
    old, new = visitor.provider.keys[0], ec_key("second")
    visitor.provider.keys = [new]
    assert visitor.signs_in().status_code == 302
    visitor.client.logout()

    visitor.provider.sign = lambda provider, claims: jwt.encode(
        claims, old.private, algorithm="RS256", headers={"kid": old.kid}
    )
    assert visitor.signs_in().status_code == 401


def test_invented_key_names_do_not_have_the_provider_asked_again_and_again(visitor: Visitor) -> None:
    visitor.provider.sign = lambda provider, claims: jwt.encode(
        claims, provider.keys[0].private, algorithm="RS256", headers={"kid": claims["nonce"]}
    )
    for _ in range(4):
        assert visitor.signs_in().status_code == 401

    assert visitor.provider.asked.count("/keys") == 1


@pytest.mark.parametrize(
    "change",
    [{"use": "enc"}, {"alg": "RS512"}, {"kty": "oct", "k": "AAAA"}, {"n": "AQAB"}, {"kid": "other"}, {"e": 7}],
    ids=repr,
)
def test_a_key_that_is_not_for_this_signs_nothing(visitor: Visitor, change: Claims) -> None:
    key = {**visitor.provider.keys[0].public, **change}
    visitor.provider.answers["/keys"] = (200, json.dumps({"keys": [key]}).encode(), {})

    is_refused(visitor)


def test_a_small_key_signs_nothing(visitor: Visitor) -> None:
    visitor.provider.keys = [rsa_key("small", bits=1024)]
    visitor.provider.sign = by_hand

    is_refused(visitor)


# --- a provider that is broken, slow, dead or not the one it was

BROKEN = {
    "500": (500, b"{}", {}),
    "no JSON": (200, b"<html>", {}),
    "a list": (200, b"[]", {}),
    "empty": (200, b"", {}),
    "not UTF-8": (200, b'{"a": "\xff\xfe"}', {}),
    "huge": (200, b" " * (asking.LONGEST_ANSWER + 1), {}),
    "deep": (200, b"[" * 100_000, {}),
    "elsewhere": (302, b"", {"Location": "http://127.0.0.1:9/"}),
    "compressed": (200, b"\x1f\x8b", {"Content-Encoding": "gzip"}),
}


@pytest.mark.parametrize("path", [WELL_KNOWN, "/token", "/keys"])
@pytest.mark.parametrize("how", BROKEN)
def test_an_answer_that_makes_no_sense_is_a_sentence(visitor: Visitor, path: str, how: str) -> None:
    visitor.provider.answers[path] = BROKEN[how]
    answer = visitor.client.get("/accounts/sso/")
    if answer.status_code == 302:
        code, asked = visitor.provider.authorize(answer["Location"])
        answer = visitor.comes_back(code=code, state=asked["state"])

    assert answer.status_code == 503
    assert "does not answer as it should" in answer.content.decode()
    assert visitor.name == ""


@pytest.mark.parametrize(
    "change",
    [
        {"issuer": "https://evil.example"},
        {"issuer": None},
        {"token_endpoint": "http://169.254.169.254/latest"},
        {"token_endpoint": "file:///etc/passwd"},
        {"jwks_uri": "http://127.0.0.1:9@evil.example/keys"},
        {"jwks_uri": "http://evil.example\\@127.0.0.1/"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"authorization_endpoint": None},
        {"userinfo_endpoint": 7},
        {"token_endpoint": "http://[::1"},
    ],
    ids=repr,
)
def test_only_the_issuers_own_host_is_asked(visitor: Visitor, change: Claims) -> None:
    visitor.provider.metadata = change

    answer = visitor.client.get("/accounts/sso/")
    assert answer.status_code == 503
    assert visitor.provider.asked == [WELL_KNOWN]


def test_a_second_host_is_asked_when_it_is_named(visitor: Visitor, settings: Settings) -> None:
    with serving() as other:
        other.keys = visitor.provider.keys
        visitor.provider.metadata = {"jwks_uri": f"{other.issuer}/keys"}
        assert visitor.client.get("/accounts/sso/").status_code == 503

        settings.MAINSTAY_OIDC["hosts"] = [other.issuer.removeprefix("http://")]
        assert visitor.signs_in().status_code == 302
        assert other.asked == ["/keys"]


def test_a_dead_provider_is_a_sentence_at_once_and_passwords_go_on(visitor: Visitor, settings: Settings) -> None:
    settings.MAINSTAY_OIDC["issuer"] = "http://127.0.0.1:9"
    for _ in range(3):
        assert visitor.client.get("/accounts/sso/").status_code == 503

    assert visitor.client.get("/accounts/login/").status_code == 200


def test_a_slow_provider_takes_neither_long_nor_every_thread(visitor: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "_TIMEOUT", asking.urllib3.Timeout(connect=1, read=1.0))
    monkeypatch.setattr(asking, "TURN_WITHIN_S", 0.1)
    config = oidc.current()
    assert config is not None
    visitor.provider.wait = threading.Event()
    told: list[str] = []

    def ask() -> None:
        try:
            asking.get(config, f"{visitor.provider.issuer}/me")
        except oidc.NotReached as refused:
            told.append(refused.why)

    threads = [threading.Thread(target=ask) for _ in range(asking.AT_ONCE + 2)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)

    assert time.monotonic() - began < 5
    assert sum("wait for the provider already" in why for why in told) == 2
    assert sum("ReadTimeout" in why for why in told) == asking.AT_ONCE


def test_an_answer_that_drips_is_given_up(visitor: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "ALL_WITHIN_S", 0.0)

    assert visitor.client.get("/accounts/sso/").status_code == 503


def test_a_provider_that_hangs_has_few_wait_and_nobody_long(visitor: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each that waits holds one of the console's few turns: all of them would be the whole console."""
    monkeypatch.setattr(asking, "_TIMEOUT", asking.urllib3.Timeout(connect=1, read=3.0))
    monkeypatch.setattr(asking, "TURN_WITHIN_S", 0.3)
    config = oidc.current()
    assert config is not None
    visitor.provider.wait = threading.Event()
    took: list[float] = []

    def ask() -> None:
        began = time.monotonic()
        with pytest.raises(oidc.NotReached):
            oidc.issuer_of(config).metadata()
        took.append(time.monotonic() - began)

    threads = [threading.Thread(target=ask) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)

    assert len(took) == 10
    assert sum(each > 2.5 for each in took) == 1  # who asks
    assert sum(each > 0.25 for each in took) <= 1 + issuer.MOST_WAITING


def test_many_sign_ins_at_once_ask_once_and_none_is_refused(visitor: Visitor) -> None:
    config = oidc.current()
    assert config is not None
    oidc.issuer_of(config).metadata()
    with ThreadPoolExecutor(16) as pool:
        found = set(pool.map(lambda _: oidc.issuer_of(config).metadata(), range(200)))

    assert len(found) == 1
    assert visitor.provider.asked == [WELL_KNOWN]


@pytest.mark.parametrize(
    "begin", [b"HTTP/1.1 200 OK\r\nX-A: ", b"", b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n{"]
)
def test_an_answer_that_drips_for_ever_is_cut_off_wherever_it_drips(
    visitor: Visitor, settings: Settings, monkeypatch: pytest.MonkeyPatch, begin: bytes
) -> None:
    monkeypatch.setattr(asking, "ALL_WITHIN_S", 1.0)
    with dripping(begin) as port:
        settings.MAINSTAY_OIDC["issuer"] = f"http://127.0.0.1:{port}"
        began = time.monotonic()
        answer = visitor.client.get("/accounts/sso/")

    assert answer.status_code == 503
    assert time.monotonic() - began < 5


@contextmanager
def dripping(begin: bytes) -> Iterator[int]:
    """A server that never ends what it says; its port."""
    stop = threading.Event()

    def serve() -> None:
        connection, _ = server.accept()
        with suppress(OSError), connection:
            connection.recv(65_536)
            connection.sendall(begin)
            while not stop.wait(0.1):
                connection.sendall(b"a")

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        stop.set()
        thread.join(5)
