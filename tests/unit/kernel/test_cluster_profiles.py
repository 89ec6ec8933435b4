"""Profiles of Kafka clusters: what is taken, and what stops the start with a sentence that tells no secret."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from reliability import environment
from reliability.environment import clusters
from reliability.settings.clusters import Profile
from tests.support.certificates import Authority, Pair

SECRET = "a-Secret_that-nobody-reads"
LOGIN = {"sasl.mechanism": "PLAIN", "sasl.username": "u", "sasl.password": SECRET}
BESIDE = {
    "DATABASE_URL": "postgresql://db/x",
    "REDIS_URL": "redis://r/0",
    "MAINSTAY_SECRET_KEY": "x" * 64,
}


def one(**properties: Any) -> str:
    given = {"bootstrap.servers": "k:9093", **properties}
    return json.dumps({"eu": {name.replace("__", "."): value for name, value in given.items()}})


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def pair(authority: Authority) -> Pair:
    return authority.sign("client", password=SECRET)


@pytest.fixture
def variables(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """Everything but Kafka is named, and no demo runs."""
    for variable in (*clusters.VARIABLES, "KAFKA_CLUSTERS", "KAFKA_CLUSTERS_FILE"):
        monkeypatch.delenv(variable, raising=False)
    for variable, value in BESIDE.items():
        monkeypatch.setenv(variable, value)
    monkeypatch.setattr(environment.loading, "STATE_FILE", tmp_path / "none")
    return monkeypatch


def test_json_and_toml_say_the_same(authority: Authority, pair: Pair, tmp_path: Path):
    password = tmp_path / "password"
    password.write_text(f"{SECRET}\n")
    told = {
        "bootstrap.servers": "k1:9093,[::1]:9094",
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": "console",
        "sasl.password.file": str(password),
        "ssl.ca.location": str(authority.file),
        "ssl.certificate.location": str(pair.certificate),
        "ssl.key.location": str(pair.key),
        "ssl.key.password": SECRET,
        "ssl.endpoint.identification.algorithm": "none",
        "socket.keepalive.enable": True,
        "socket.timeout.ms": 20_000,
    }
    toml = "[eu]\n" + "".join(f"{name} = {json.dumps(value)}\n" for name, value in told.items())
    found = clusters.profiles(json.dumps({"eu": told}))
    assert found == clusters.profiles(toml)
    assert found["eu"]["sasl.password"] == SECRET
    assert found["eu"]["socket.keepalive.enable"] == "true"
    assert "sasl.password.file" not in found["eu"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "is no JSON: .* line 1"),
        ("eu", "neither JSON .* nor TOML"),
        ("{}", "names no cluster"),
        ('{"eu": 1}', "gives cluster eu no properties"),
        ('{"eu": {}, "eu": {}}', "says 'eu' twice"),
        ('{"": {}}', "names a cluster ''"),
        ('{"e u": {}}', "names a cluster 'e u'"),
        ('{"../eu": {}}', "names a cluster"),
        ('{"' + "x" * 64 + '": {}}', "1 to 63 letters"),
        ('{"eu\\u0000": {}}', "names a cluster"),
        ("[" * 100_000, "neither JSON|nested"),
        ('{"a":' * 60_000, "more than|nested|no JSON"),
        (" " * 300_000, "more than 262144 characters"),
        (one(bootstrap_servers="x:1"), "'bootstrap_servers' .* did you mean bootstrap.servers"),
        (one(sasl__pasword=SECRET), "did you mean sasl.password"),
        (one(sasl__jaas__config=SECRET), "write sasl.username and sasl.password"),
        (one(ssl__truststore__location="x"), "write ssl.ca.location"),
        (one(enable__ssl__certificate__verification=False), "always checked"),
        (one(message__max__bytes=1), "known are bootstrap.servers"),
        (one(socket__timeout__ms="soon"), "a number from 1000"),
        (one(socket__timeout__ms=-1), "a number from 1000"),
        (one(socket__keepalive__enable="maybe"), "one of false, true"),
        (one(sasl__username=["u"]), "neither a text nor a number"),
        (one(sasl__username="u\u0000"), "control characters"),
        (one(bootstrap__servers="kafka"), "'kafka' is no host:port"),
        (one(bootstrap__servers="k:0"), "no host:port"),
        (one(bootstrap__servers="k:99999"), "no host:port"),
        (one(bootstrap__servers=" , "), "has no bootstrap.servers"),
        (one(security__protocol="ssl"), "is one of PLAINTEXT, SSL"),
        (one(security__protocol="SASL_SSL"), "without a sasl.mechanism"),
        (one(security__protocol="SASL_SSL", **(LOGIN | {"sasl.mechanism": "GSSAPI"})), "GSSAPI is not possible"),
        (one(security__protocol="SASL_SSL", **(LOGIN | {"sasl.mechanism": "OAUTHBEARER"})), "OAUTHBEARER is not poss"),
        (one(security__protocol="SASL_SSL", **(LOGIN | {"sasl.password": ""})), "without sasl.password .or sasl.pass"),
        (one(security__protocol="SASL_SSL", **(LOGIN | {"sasl.username": ""})), "without sasl.username"),
        (one(security__protocol="SSL", **LOGIN), "has sasl.mechanism, which SSL does not use"),
        (one(**LOGIN), "which PLAINTEXT does not use: say SASL_SSL"),
        (one(ssl__ca__location="/x"), "which PLAINTEXT does not use: say SSL"),
        (one(bootstrap__servers="8.8.8.8:1", security__protocol="SASL_PLAINTEXT", **LOGIN), "8.8.8.8, a public addr"),
        (one(security__protocol="SSL", ssl__ca__location="/not/there"), "cannot be read: No such file"),
        (one(security__protocol="SSL", ssl__ca__location=__file__), "no certificate in PEM form"),
        (one(security__protocol="SSL", ssl__certificate__location=__file__), "without ssl.key.location"),
        (one(security__protocol="SSL", ssl__key__location=__file__), "without ssl.certificate.location"),
        (one(security__protocol="SSL", ssl__key__password=SECRET), "ssl.key.password without ssl.key.location"),
        (one(security__protocol="SSL", ssl__endpoint__identification__algorithm="no"), "is https or none"),
        (one(sasl__password="x", sasl__password__file="/y"), "give one of them"),
        (one(sasl__password__file="/not/there"), "cannot be read"),
    ],
)
def test_what_is_wrong_is_named_and_no_secret_is_told(text: str, told: str):
    with pytest.raises(ValueError, match=told) as raised:
        clusters.profiles(text)
    assert SECRET not in str(raised.value)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"two\nlines", b"x" * 5_000])
def test_a_file_that_holds_no_secret_is_refused(tmp_path: Path, content: bytes):
    file = tmp_path / "password"
    file.write_bytes(content)
    with pytest.raises(ValueError, match=r"sasl\.password\.file names"):
        clusters.profiles(one(sasl__password__file=str(file)))


@pytest.mark.parametrize("password", ["", "wrong"])
def test_a_key_that_does_not_open_is_refused_and_nobody_is_asked_for_its_password(pair: Pair, password: str):
    properties = {
        "security.protocol": "SSL",
        "ssl.certificate.location": str(pair.certificate),
        "ssl.key.location": str(pair.key),
        "ssl.key.password": password,
    }
    with pytest.raises(ValueError, match="does not open or does not belong"):
        clusters.profiles(one(**properties))


def test_the_variables_are_the_cluster_main_and_others_stand_beside_it(variables: pytest.MonkeyPatch):
    variables.setenv("KAFKA_BOOTSTRAP_SERVERS", "k:9093")
    variables.setenv("KAFKA_SECURITY_PROTOCOL", "SASL_SSL")
    variables.setenv("KAFKA_SASL_MECHANISM", "PLAIN")
    variables.setenv("KAFKA_SASL_USERNAME", "u")
    variables.setenv("KAFKA_SASL_PASSWORD", SECRET)
    variables.setenv("KAFKA_CLUSTERS", one(bootstrap__servers="eu:9092"))
    loaded = environment.load()
    assert loaded.kafka_clusters() == {
        "main": {"bootstrap.servers": "k:9093", "security.protocol": "SASL_SSL", **LOGIN},
        "eu": {"bootstrap.servers": "eu:9092", "security.protocol": "PLAINTEXT"},
    }
    assert SECRET not in repr(loaded)


def test_main_may_stand_in_the_file_and_then_needs_no_variable(variables: pytest.MonkeyPatch, tmp_path: Path):
    file = tmp_path / "clusters.toml"
    file.write_text('[main]\nbootstrap.servers = "k:9092"\n')
    variables.setenv("KAFKA_CLUSTERS_FILE", str(file))
    assert environment.load().kafka_clusters()["main"]["bootstrap.servers"] == "k:9092"
    variables.setenv("KAFKA_BOOTSTRAP_SERVERS", "other:9092")
    with pytest.raises(environment.WrongSetting, match="KAFKA_CLUSTERS names the cluster main, and KAFKA_BOOTSTRAP"):
        environment.load()


def test_without_main_the_start_stops(variables: pytest.MonkeyPatch):
    variables.setenv("KAFKA_CLUSTERS", one())
    with pytest.raises(environment.WrongSetting, match=r"KAFKA_BOOTSTRAP_SERVERS: is not set"):
        environment.load()


def test_what_is_wrong_names_its_variable(variables: pytest.MonkeyPatch, tmp_path: Path):
    variables.setenv("KAFKA_BOOTSTRAP_SERVERS", "k:9093")
    variables.setenv("KAFKA_SASL_PASSWORD", SECRET)
    with pytest.raises(environment.WrongSetting, match=r"KAFKA_BOOTSTRAP_SERVERS with its KAFKA_.* has sasl.password"):
        environment.load()
    variables.delenv("KAFKA_SASL_PASSWORD")
    variables.setenv("KAFKA_CLUSTERS", "{")
    with pytest.raises(environment.WrongSetting, match=r"^KAFKA_CLUSTERS: is no JSON"):
        environment.load()
    variables.delenv("KAFKA_CLUSTERS")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    variables.setenv("KAFKA_CLUSTERS_FILE", str(tmp_path / "binary"))
    with pytest.raises(environment.WrongSetting, match=r"KAFKA_CLUSTERS_FILE names .* no text in UTF-8"):
        environment.load()


def test_a_profile_that_is_printed_tells_no_secret():
    profile = Profile({"sasl.username": "u", "sasl.password": SECRET, "ssl.key.password": SECRET})
    assert SECRET not in f"{profile!r} {profile}"
    assert "'sasl.username': 'u'" in repr(profile)
    assert {**profile}["sasl.password"] == SECRET
