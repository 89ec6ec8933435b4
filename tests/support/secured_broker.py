"""A real broker with TLS, logins and rights: one server with a listener for each way in, and some that are wrong."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from confluent_kafka.admin import (
    AdminClient,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)

from reliability.embedded import maven, ports
from reliability.embedded.folder import Folder
from reliability.embedded.kafka import JVM, LOGGING
from reliability.embedded.stack import ROOT
from tests.support import own_broker
from tests.support.certificates import Authority

USER, PASSWORD = "console", "right-Secret_17"
ADMIN, ADMIN_PASSWORD = "admin", "admins-Secret_19"
PLAIN = "org.apache.kafka.common.security.plain.PlainLoginModule"
SCRAM = "org.apache.kafka.common.security.scram.ScramLoginModule"
MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
TOOLS = Path(__file__).with_name("kafka-tools.lock")
LISTENERS = {
    "tls": "SSL",
    "mutual": "SSL",
    "login": "SASL_SSL",
    "expired": "SSL",
    "elsewhere": "SSL",
    "lost": "SSL",
}
"""Listener and protocol; ``mutual`` wants a client's certificate, ``expired`` and ``elsewhere`` show a wrong one
themselves, whoever comes by ``lost`` is sent on to an address that nobody knows."""
NOWHERE = "-nowhere"
"""No name by its first character: no name server is asked, and the answer takes no time."""


class SecuredBroker(own_broker.OwnBroker):
    """Asks everybody but whoever comes without TLS, which is the test itself, for rights."""

    def __init__(self, folder: Folder, *, jars_under: Path) -> None:
        super().__init__(folder, jars_under=jars_under)
        self.ports = {name: ports.any_free() for name in LISTENERS}
        self.authority = Authority(folder.path / "certificates")
        self.stranger = Authority(folder.path / "stranger", name="another authority")
        self.client = self.authority.sign(USER, organisation="Example", password=PASSWORD)
        self._admin = self.authority.sign(ADMIN)
        self._server = self.authority.sign("broker")
        self._expired = self.authority.sign("expired", ends_at=datetime.now(UTC) - timedelta(hours=1))
        self._elsewhere = self.authority.sign("elsewhere.example", names=("elsewhere.example",), loopback=False)

    def _settings(self) -> dict[str, object]:
        before = super()._settings()
        added = ",".join(f"{name.upper()}://{ports.LOOPBACK}:{port}" for name, port in self.ports.items())
        lost = f"LOST://{ports.LOOPBACK}:", f"LOST://{NOWHERE}:"
        protocols = ",".join(f"{name.upper()}:{protocol}" for name, protocol in LISTENERS.items())
        return before | {
            "listeners": f"{before['listeners']},{added}",
            "advertised.listeners": f"{before['advertised.listeners']},{added.replace(*lost)}",
            "listener.security.protocol.map": f"{before['listener.security.protocol.map']},{protocols}",
            "inter.broker.listener.name": "PLAINTEXT",
            "allow.everyone.if.no.acl.found": "false",
            "super.users": f"User:ANONYMOUS;User:{ADMIN};User:CN={ADMIN}",
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": self._server.both,
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": self.authority.file,
            "listener.name.mutual.ssl.client.auth": "required",
            "listener.name.expired.ssl.keystore.type": "PEM",
            "listener.name.expired.ssl.keystore.location": self._expired.both,
            "listener.name.elsewhere.ssl.keystore.type": "PEM",
            "listener.name.elsewhere.ssl.keystore.location": self._elsewhere.both,
            "listener.name.login.sasl.enabled.mechanisms": ",".join(MECHANISMS),
            "listener.name.login.plain.sasl.jaas.config": (
                f'{PLAIN} required user_{USER}="{PASSWORD}" user_{ADMIN}="{ADMIN_PASSWORD}";'
            ),
            "listener.name.login.scram-sha-256.sasl.jaas.config": f"{SCRAM} required;",
            "listener.name.login.scram-sha-512.sasl.jaas.config": f"{SCRAM} required;",
        }

    def at(self, listener: str, **properties: str) -> dict[str, str]:
        """A client's profile for a listener; properties are given with ``_`` for the dots, "" leaves one out."""
        profile = {
            "bootstrap.servers": f"{ports.LOOPBACK}:{self.ports[listener]}",
            "security.protocol": LISTENERS[listener],
            "ssl.ca.location": str(self.authority.file),
        }
        if listener == "login":
            profile |= {"sasl.mechanism": "PLAIN", "sasl.username": USER, "sasl.password": PASSWORD}
        if listener == "mutual":
            profile |= {
                "ssl.certificate.location": str(self.client.certificate),
                "ssl.key.location": str(self.client.key),
                "ssl.key.password": PASSWORD,
            }
        profile |= {name.replace("_", "."): value for name, value in properties.items()}
        return {name: value for name, value in profile.items() if value}

    def run_as_admin(self, commands: list[str], *, listener: str) -> None:
        """Run printed ``kafka-acls.sh`` commands, side by side, with the program that this script starts."""
        jars = maven.class_path(caches=[ROOT / "maven", *maven.caches(ROOT / "maven")], say=_quiet, lock=TOOLS)
        settings = {
            "security.protocol": LISTENERS[listener],
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": self.authority.file,
        }
        if listener == "login":
            login = f'{PLAIN} required username="{ADMIN}" password="{ADMIN_PASSWORD}";'
            settings |= {"sasl.mechanism": "PLAIN", "sasl.jaas.config": login}
        else:
            settings |= {"ssl.keystore.type": "PEM", "ssl.keystore.location": self._admin.both}
        home = self._folder.path / f"admin-{listener}"
        home.mkdir(exist_ok=True)
        (home / "admin.properties").write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
        program = [*self._java_with(*JVM, *LOGGING)]
        program[-1] += "".join(f"{os.pathsep}{jar}" for jar in jars)
        running = []
        for command in commands:
            script, *arguments = shlex.split(command)
            assert script == "kafka-acls.sh"
            argv = [*program, "org.apache.kafka.tools.AclCommand", *arguments]
            running.append(
                subprocess.Popen(argv, cwd=home, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            )
        for process in running:
            said, _ = process.communicate(timeout=90)
            assert process.returncode == 0, said

    def know_the_user(self) -> None:
        """Store the user's SCRAM credentials."""
        wanted: Any = [
            UserScramCredentialUpsertion(USER, ScramCredentialInfo(mechanism, 4096), PASSWORD.encode())
            for mechanism in (ScramMechanism.SCRAM_SHA_256, ScramMechanism.SCRAM_SHA_512)
        ]
        admin = AdminClient(self.profile)  # must live until it has answered
        for done in admin.alter_user_scram_credentials(wanted[:1]).values():
            done.result(20)
        for done in admin.alter_user_scram_credentials(wanted[1:]).values():
            done.result(20)


def _quiet(line: str) -> None:
    """Nobody listens."""


@contextmanager
def running(path: Path) -> Iterator[SecuredBroker]:
    """Such a broker, started, with its user."""
    with own_broker.running(path, kind=SecuredBroker) as broker:
        assert isinstance(broker, SecuredBroker)
        broker.know_the_user()
        yield broker
