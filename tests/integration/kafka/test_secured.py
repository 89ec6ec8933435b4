"""Clusters that want TLS, a login or a certificate: all clients get in by each way, and say why they do not."""

from __future__ import annotations

import io
import json
import time
import uuid
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
)
from django.core.management import call_command

from reliability.access import Role
from reliability.console import kafka_checks
from reliability.environment import clusters as profiles
from reliability.kafka import clusters, confluent, group_admin, ports
from reliability.kernel.record import TopicPartition
from reliability.settings.clusters import Profile
from tests.support import actors, secured_broker
from tests.support.secured_broker import PASSWORD, SecuredBroker
from tests.support.waiting import wait_until

ANSWER_S = 3.0
WAYS = {
    "tls": ("tls", {}),
    "certificate": ("mutual", {}),
    "plain": ("login", {}),
    "scram-256": ("login", {"sasl_mechanism": "SCRAM-SHA-256"}),
    "scram-512": ("login", {"sasl_mechanism": "SCRAM-SHA-512"}),
    "any name": ("elsewhere", {"ssl_endpoint_identification_algorithm": "none"}),
}


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredBroker]:
    with secured_broker.running(Path(tmp_path_factory.mktemp("secured"))) as running:
        everything = [
            AclBinding(kind, "*", ResourcePatternType.LITERAL, who, "*", AclOperation.ALL, AclPermissionType.ALLOW)
            for kind in (ResourceType.TOPIC, ResourceType.GROUP)
            for who in ("User:console", "User:CN=console,O=Example")
        ]
        admin = AdminClient(running.profile)
        for done in admin.create_acls(everything).values():
            done.result(20)
        yield running


def profile_of(broker: SecuredBroker, way: str) -> Profile:
    """The profile of a way in, as a deployment gives it."""
    listener, properties = WAYS[way]
    return Profile(profiles.profiles(json.dumps({"eu": broker.at(listener, **properties)}))["eu"])


@pytest.mark.parametrize("way", WAYS)
def test_all_clients_get_in(broker: SecuredBroker, way: str):
    profile, topic, group = profile_of(broker, way), f"t-{uuid.uuid4().hex[:8]}", f"g-{uuid.uuid4().hex[:8]}"
    admin = confluent.Admin(profile, client_id="way", answer_s=10)
    assert admin.create_topics({topic: 1}) == {topic: None}
    answers: list[ports.Delivery] = []
    producer = confluent.Producer(profile, client_id="way")
    producer.produce(topic=topic, key=b"k", value=b"v", on_delivery=answers.append)
    assert producer.flush(10) == 0
    producer.close()
    assert [answer.error for answer in answers] == [None]
    place = TopicPartition(topic, 0)
    with closing(confluent.Consumer(profile, client_id="way", group=group)) as consumer:
        consumer.subscribe(topics=[topic])
        seen: list[bytes | None] = []

        def read() -> bool:
            seen.extend(record.value for record in consumer.poll(max_records=10, timeout_s=0.2))
            return seen == [b"v"]

        wait_until(read, within_s=20, what="the record is read")
        consumer.commit({place: 1}, wait=True)
    assert admin.committed(group, [place]) == {place: 1}
    with closing(group_admin.GroupAdmin(profile, client_id="way", answer_s=10)) as groups:
        assert group in [each.name for each in groups.groups()]
        assert groups.commits([group]) == {group: {place: 1}}
        assert groups.ends([place], stable=True) == {place: 1}
        assert groups.commit(group, {place: 0}) == {place: None}
    with closing(confluent.Reader(profile, client_id="way")) as reader:
        assert [record.value for record in reader.read(place, 0, 1, deadline_s=10)] == [b"v"]


def wrong(broker: SecuredBroker) -> dict[str, tuple[dict[str, str], str]]:
    """Profiles that do not get in, and what is said of each."""
    return {
        "authority": (broker.at("tls", ssl_ca_location=str(broker.stranger.file)), "signed by no authority"),
        "expired": (broker.at("expired"), "has expired"),
        "host name": (broker.at("elsewhere"), "is of another name"),
        "password": (broker.at("login", sasl_password="wrong-Secret_18"), "does not accept the login"),
        "scram password": (
            broker.at("login", sasl_mechanism="SCRAM-SHA-256", sasl_password="wrong-Secret_18"),
            "does not accept the login",
        ),
        "no certificate": (
            broker.at("mutual", ssl_certificate_location="", ssl_key_location="", ssl_key_password=""),
            "wants a certificate of ours",
        ),
        "no TLS there": (broker.at("tls") | {"bootstrap.servers": broker.url()}, "speaks no TLS"),
        "only TLS there": ({"bootstrap.servers": broker.at("tls")["bootstrap.servers"]}, "wants TLS at this address"),
        "no login there": (
            broker.at("login", ssl_ca_location="", security_protocol="SASL_PLAINTEXT", bootstrap_servers=broker.url()),
            "takes no login at this address",
        ),
        "only logins there": (
            broker.at("tls", bootstrap_servers=broker.at("login")["bootstrap.servers"]),
            "it may want a login",
        ),
        "no such name": ({"bootstrap.servers": f"{secured_broker.NOWHERE}:9092"}, "its name is not known here"),
        "advertised": (
            broker.at("lost"),
            "brokers advertise addresses that cannot be reached from here",
        ),
    }


def test_who_does_not_get_in_is_told_why_and_in_time(broker: SecuredBroker, settings: Any):
    cases = wrong(broker)
    settings.KAFKA_BACKEND, settings.MAINSTAY_BROKER = "confluent", "external"
    settings.KAFKA_CLUSTERS = {
        "main": Profile(broker.at("tls")),
        **{name: Profile(profile) for name, (profile, _) in cases.items()},
    }
    began = time.monotonic()
    result = kafka_checks.kafka()
    assert time.monotonic() - began < 8.0
    assert result.verdict == "fail"
    lines = {line.partition(":")[0].removeprefix("cluster "): line for line in result.found.split("; ")}
    for name, (_, sentence) in cases.items():
        assert sentence in lines[name], lines[name]
    assert "main" not in result.remedy
    assert "mend its profile in KAFKA_CLUSTERS" in result.remedy
    assert "Mend advertised.listeners of the brokers of advertised" in result.remedy
    assert "Secret" not in f"{result.found} {result.remedy} {result.facts}"


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("authority", "signed by no authority"),
        ("expired", "has expired"),
        ("host name", "is of another name"),
        ("password", "login"),
        ("no certificate", "wants a certificate"),
        ("no TLS there", "speaks no TLS"),
        ("only TLS there", "wants TLS"),
        ("no login there", "takes no login"),
        ("no such name", "name is not known here"),
    ],
)
def test_lag_is_told_why(broker: SecuredBroker, name: str, told: str):
    profile, _ = wrong(broker)[name]
    with closing(group_admin.GroupAdmin(profile, client_id="way", answer_s=ANSWER_S)) as groups:
        began = time.monotonic()
        with pytest.raises(ports.Unavailable, match=told):
            groups.groups()
        assert time.monotonic() - began < ANSWER_S + 1


def test_a_broker_that_wants_tls_is_told_apart(broker: SecuredBroker):
    profile = {"bootstrap.servers": broker.at("tls")["bootstrap.servers"]}
    with (
        closing(group_admin.GroupAdmin(profile, client_id="way", answer_s=ANSWER_S)) as groups,
        pytest.raises(ports.Unavailable, match="wants TLS"),
    ):
        groups.groups()


def test_what_reads_letters_is_told_why_and_does_not_flood_the_log(broker: SecuredBroker, capfd: Any):
    profile, _ = wrong(broker)["password"]
    with closing(confluent.Consumer(profile, client_id="flood", group="flood")) as consumer:
        consumer.subscribe(topics=["flood"])
        told: list[str] = []
        until_s = time.monotonic() + 6.0
        while time.monotonic() < until_s:
            consumer.poll(max_records=1, timeout_s=0.2)
            told += [error.message for error in consumer.errors()]
    assert any("does not accept the login" in each for each in told)
    printed = "".join(capfd.readouterr())
    assert printed.count("kafka_client") <= 4
    assert "Secret" not in printed + "".join(told)


@pytest.mark.django_db
def test_no_secret_is_on_the_settings_page_or_in_doctors_document(broker: SecuredBroker, settings: Any, client: Any):
    settings.KAFKA_CLUSTERS = {"main": settings.KAFKA_CLUSTERS["main"], "eu": profile_of(broker, "plain")}
    out = io.StringIO()
    with suppress(SystemExit):  # other servers may be in trouble: what is said is looked at
        call_command("doctor", "--json", stdout=out)
    assert "cluster eu; " in out.getvalue()
    client.force_login(actors.account(Role.VIEWER).user)
    page = client.get("/settings/").content.decode()
    assert "sasl.username=console" in page
    assert PASSWORD not in page + out.getvalue()
    assert clusters.profile("eu")["sasl.password"] == PASSWORD
