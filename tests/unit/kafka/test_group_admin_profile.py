"""A cluster's profile in the words of the client that asks about groups."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from reliability.kafka import clusters, ports
from reliability.kafka.group_admin import profile

SERVERS = {"bootstrap.servers": "a:9092, b:9093,"}


def test_servers_are_taken_one_by_one():
    assert profile.translated(SERVERS) == {
        "bootstrap_servers": ["a:9092", "b:9093"],
        "security_protocol": "PLAINTEXT",
    }


@pytest.mark.parametrize("name", ["sasl.mechanism", "sasl.mechanisms"])
def test_a_login_is_taken(name):
    login = {"security.protocol": "sasl_plaintext", name: "SCRAM-SHA-512", "sasl.username": "u", "sasl.password": "p"}
    assert profile.translated({**SERVERS, **login}) == {
        "bootstrap_servers": ["a:9092", "b:9093"],
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "u",
        "sasl_plain_password": "p",
    }


def test_what_only_tunes_is_left_out():
    tuned = {**SERVERS, "socket.keepalive.enable": True, "topic.metadata.refresh.interval.ms": 1_000, "debug": "all"}
    assert profile.translated(tuned) == profile.translated(SERVERS)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("security.protocol", "carrier-pigeon"),
        ("sasl.mechanism", "GSSAPI"),
        ("sasl.mechanisms", "OAUTHBEARER"),
        ("sasl.oauthbearer.config", "x"),
        ("ssl.keystore.location", "/somewhere.p12"),
        ("ssl.certificate.pem", "-----BEGIN"),
        ("ssl.endpoint.identification.algorithm", "perhaps"),
        ("ssl.ca.location", "/does/not/exist.pem"),
        ("ssl.ca.pem", "no certificate"),
        ("ssl.certificate.location", "/does/not/exist.pem"),
        ("bootstrap.servers", ""),
    ],
)
def test_what_cannot_be_translated_is_named(name, value):
    asked = {**SERVERS, "security.protocol": "sasl_ssl", "sasl.mechanism": "PLAIN"} | {name: value}
    if name == "sasl.mechanisms":
        del asked["sasl.mechanism"]
    with pytest.raises(ports.Untranslatable) as raised:
        profile.translated(asked)
    assert raised.value.property_name == name
    assert name in str(raised.value)


def test_a_cluster_whose_profile_cannot_be_translated_has_no_group_admin(settings):
    settings.KAFKA_BACKEND = "confluent"
    settings.KAFKA_CLUSTERS = {"main": {**SERVERS, "security.protocol": "sasl_ssl", "sasl.mechanism": "GSSAPI"}}
    with pytest.raises(ports.Unsupported, match=r"sasl\.mechanism: GSSAPI"):  # as a cluster that lacks the calls
        clusters.group_admin(client_id="test")


def ssl_context(**properties: object) -> ssl.SSLContext:
    context = profile.translated({**SERVERS, "security.protocol": "ssl", **properties})["ssl_context"]
    assert isinstance(context, ssl.SSLContext)
    return context


def test_certificates_are_checked_unless_the_profile_says_otherwise():
    strict = ssl_context()
    assert (strict.check_hostname, strict.verify_mode) == (True, ssl.CERT_REQUIRED)
    any_name = ssl_context(**{"ssl.endpoint.identification.algorithm": "none"})
    assert (any_name.check_hostname, any_name.verify_mode) == (False, ssl.CERT_REQUIRED)
    blind = ssl_context(**{"enable.ssl.certificate.verification": False})
    assert (blind.check_hostname, blind.verify_mode) == (False, ssl.CERT_NONE)


@pytest.fixture
def authority() -> str:
    """Any authority's certificate as text: the first that this machine trusts."""
    context = ssl.create_default_context()
    return ssl.DER_cert_to_PEM_cert(context.get_ca_certs(binary_form=True)[0])


def test_only_the_named_authorities_are_trusted(authority, tmp_path: Path):
    file = tmp_path / "ca.pem"
    file.write_text(authority)
    by_file, by_text = ssl_context(**{"ssl.ca.location": str(file)}), ssl_context(**{"ssl.ca.pem": authority})
    assert len(by_file.get_ca_certs()) == len(by_text.get_ca_certs()) == 1
    ssl_context(**{"ssl.ca.location": str(tmp_path)})  # a folder of them
    ssl_context(**{"ssl.ca.location": "probe"})
