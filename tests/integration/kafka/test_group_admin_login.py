"""The group admin of a cluster that asks who one is."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from reliability.embedded import ports as free_ports
from reliability.kafka import group_admin, ports
from tests.support import own_broker
from tests.support.own_broker import OwnBroker

ANSWER_S = 4.0
MODULE = "org.apache.kafka.common.security.plain.PlainLoginModule"


class Asking(OwnBroker):
    """Lets one name in."""

    def _settings(self) -> dict[str, object]:
        return super()._settings() | {
            "listener.security.protocol.map": "PLAINTEXT:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT",
            "inter.broker.listener.name": "PLAINTEXT",
            "sasl.enabled.mechanisms": "PLAIN",
            "sasl.mechanism.inter.broker.protocol": "PLAIN",
            "listener.name.plaintext.plain.sasl.jaas.config": (
                f'{MODULE} required username="operator" password="right" user_operator="right";'
            ),
        }

    def login(self, password: str) -> dict[str, object]:
        return {
            **self.profile,
            "security.protocol": "SASL_PLAINTEXT",
            "sasl.mechanism": "PLAIN",
            "sasl.username": "operator",
            "sasl.password": password,
        }

    def answers(self) -> bool:
        if not free_ports.answers(self.port):
            return False
        try:
            return bool(AdminClient({**self.login("right"), "log_level": 0}).list_topics(timeout=2).brokers)
        except KafkaException:
            return False


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asking]:
    path = Path(tmp_path_factory.mktemp("asking"))
    with own_broker.running(path, kind=Asking) as running:
        assert isinstance(running, Asking)
        yield running


def admin_of(broker: Asking, password: str) -> closing[group_admin.GroupAdmin]:
    return closing(group_admin.GroupAdmin(broker.login(password), client_id="login", answer_s=ANSWER_S))


def test_the_profiles_login_lets_it_in(broker: Asking) -> None:
    with admin_of(broker, "right") as admin:
        assert admin.groups() == []
        assert admin.layout() == {}


def test_a_wrong_password_is_told_in_time_and_each_time(broker: Asking) -> None:
    with admin_of(broker, "wrong") as admin:
        for _ in range(2):
            began = time.monotonic()
            with pytest.raises(ports.Unavailable, match="login"):
                admin.groups()
            assert time.monotonic() - began < ANSWER_S + 1
