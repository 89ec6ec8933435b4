"""Addresses of Redis: one grammar for one server, sentinels and clusters."""

from __future__ import annotations

import pytest

from reliability.kernel.redis_address import Address, WrongAddress, parsed

SECRET = "a-Secret"


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("redis://h", Address(kind="one", nodes=(("h", 6379),))),
        ("redis://:p%40w@h:7/3", Address(kind="one", nodes=(("h", 7),), password="p@w", database=3)),
        ("redis://h?db=2", Address(kind="one", nodes=(("h", 6379),), database=2)),
        ("redis://[::1]:7", Address(kind="one", nodes=(("::1", 7),))),
        ("unix:///run/r.sock?db=1", Address(kind="socket", path="/run/r.sock", database=1)),
        (
            "rediss://u:p@h:7/0?ssl_ca_certs=/ca&ssl_certfile=/c&ssl_keyfile=/k&ssl_check_hostname=false",
            Address(
                kind="one",
                tls=True,
                nodes=(("h", 7),),
                username="u",
                password="p",
                ca="/ca",
                certificate="/c",
                key="/k",
                checks_host=False,
            ),
        ),
        (
            "redis+sentinel://:p@a,b:2/mymaster/4?sentinel_password=s",
            Address(
                kind="sentinel",
                nodes=(("a", 26379), ("b", 2)),
                master="mymaster",
                password="p",
                database=4,
                sentinel_password="s",
            ),
        ),
        ("rediss+cluster://a:1,b", Address(kind="cluster", tls=True, nodes=(("a", 1), ("b", 6379)))),
    ],
)
def test_what_is_understood(text: str, address: Address):
    assert parsed(text) == address


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "must be a Redis address"),
        ("localhost:6379", "must be a Redis address"),
        ("http://h", "must be a Redis address"),
        ("redis+sentinels://h/m", "must be a Redis address"),
        ("redis://h\x00", "must be a Redis address"),
        ("redis:// h", "must be a Redis address"),
        ("redis://", "no host:port"),
        ("redis://h:x", "no host:port"),
        ("redis://h:70000", "no host:port"),
        ("redis://h:0", "no host:port"),
        (f"redis://:{SECRET}@a,b", "names several servers"),
        (f"redis://:{SECRET}@h/x", "database that is no number"),
        (f"redis://:{SECRET}@h/1?db=2", "two databases"),
        (f"redis+sentinel://:{SECRET}@h", "must name the master"),
        (f"redis+sentinel://:{SECRET}@h/m ster", "must be a Redis address"),
        (f"redis+cluster://:{SECRET}@h/1", "only the database 0"),
        (f"redis+cluster://:{SECRET}@{','.join(['h'] * 51)}", "more than 50 servers"),
        (f"redis://:{SECRET}@h?socket_timeout=1", "not known; known are db"),
        (f"rediss://:{SECRET}@h?ssl_ca_cert=/x", "did you mean ssl_ca_certs"),
        (f"redis://:{SECRET}@h?ssl_ca_certs=/x", "without TLS"),
        (f"rediss://:{SECRET}@h?ssl_cert_reqs=none", "always checked"),
        (f"rediss://:{SECRET}@h?ssl_certfile=/x", "takes its key"),
        (f"rediss://:{SECRET}@h?ssl_check_hostname=no", "neither true nor false"),
        ("redis://h?sentinel_password=x", "names no sentinels"),
        ("redis://h?db=1&db=1", "says db twice"),
        ("unix://", "names no socket"),
    ],
)
def test_what_is_refused_is_told_without_the_password(text: str, told: str):
    with pytest.raises(WrongAddress, match=told) as raised:
        parsed(text)
    assert SECRET not in str(raised.value)


def test_nothing_secret_is_shown():
    address = parsed(f"rediss+sentinel://u:{SECRET}@a:1,[::1]:2/m/0?sentinel_password={SECRET}")
    assert address.shown == "rediss+sentinel://a:1,[::1]:2/m"
    assert SECRET not in repr(address)
