"""Where messages may go: public addresses, what a channel allows by name, and never where clouds keep secrets."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from reliability.alerts.domain.addresses import refusal

PUBLIC = ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8"]
HOSTILE = [
    "127.0.0.1",
    "127.8.9.1",
    "::1",
    "0.0.0.0",
    "::",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "169.254.1.1",
    "fe80::1",
    "fe80::1%eth0",
    "fc00::1",
    "224.0.0.1",
    "ff02::1",
    "255.255.255.255",
    "240.0.0.1",
    "192.0.2.1",
    "2001:db8::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a00:1",
    "64:ff9b:1::a00:1",
    "2002:7f00:1::",
    "2002:a00:1::",
]
METADATA = [
    "169.254.169.254",
    "::ffff:169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "2002:a9fe:a9fe::",
    "fd00:ec2::254",
    "100.100.100.200",
]


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_may_be_told(address: str) -> None:
    assert refusal(address) == ""


@pytest.mark.parametrize("address", [*HOSTILE, *METADATA, "localhost", "example.org", "", "0x7f.1", "2130706433"])
def test_everything_else_may_not(address: str) -> None:
    assert refusal(address)


@pytest.mark.parametrize("address", METADATA)
def test_where_clouds_keep_secrets_nothing_is_sent_whatever_a_channel_allows(address: str) -> None:
    every = [ip_network("0.0.0.0/0"), ip_network("::/0")]
    assert "credentials" in refusal(address, allowed=every)


def test_a_channel_may_allow_its_own_network_and_no_other() -> None:
    allowed = [ip_network("10.2.0.0/16")]
    assert refusal("10.2.3.4", allowed=allowed) == ""
    assert refusal("::ffff:10.2.3.4", allowed=allowed) == ""
    assert refusal("10.3.3.4", allowed=allowed)
    assert refusal("127.0.0.1", allowed=allowed)
