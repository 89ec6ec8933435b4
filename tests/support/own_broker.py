"""A real broker of a test's own, that asks for rights where rules are written, and may be stopped and killed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
)

from reliability.embedded.folder import Folder
from reliability.embedded.kafka import KafkaServer
from reliability.embedded.stack import ROOT
from tests.support.waiting import wait_until


class OwnBroker(KafkaServer):
    """Everybody may do everything, except where a rule says otherwise."""

    def _settings(self) -> dict[str, object]:
        return super()._settings() | {
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "allow.everyone.if.no.acl.found": "true",
        }

    @property
    def profile(self) -> dict[str, object]:
        """Its profile for clients."""
        return {"bootstrap.servers": self.url()}

    def start(self) -> None:
        """Start, and wait until it answers."""
        self._running = self.child()
        self._running.start()
        wait_until(self.answers, within_s=60, what="the broker answers")

    def stop(self) -> None:
        """Stop in order."""
        self._running.stop()

    def kill(self) -> None:
        """Kill without a word."""
        self._running.kill()

    def forbid(self, kind: ResourceType, name: str) -> None:
        """Let nobody do anything with a topic or a group, not even see it."""
        rule = AclBinding(
            kind,
            name,
            ResourcePatternType.LITERAL,
            "User:ANONYMOUS",
            "*",
            AclOperation.ALL,
            AclPermissionType.DENY,
        )
        admin = AdminClient(self.profile)  # must live until it has answered
        for done in admin.create_acls([rule]).values():
            done.result(20)


@contextmanager
def running(path: Path, *, kind: type[OwnBroker] = OwnBroker) -> Iterator[OwnBroker]:
    """A broker of this kind whose data lie in this folder."""
    folder = Folder(path=path)
    folder.hold()
    broker = kind(folder, jars_under=ROOT / "maven")
    broker.prepare(lambda line: None)
    broker.start()
    try:
        yield broker
    finally:
        broker.stop()
        folder.release()
