"""librdkafka's in-process broker in a helper process: the announced fallback where Apache Kafka cannot be had.

Runs as `python -m reliability.embedded.mock_broker ADDRESS_FILE`. Everything in it is lost with the process, and group
members, topic creation and exactly-once fencing do not work.
"""

from __future__ import annotations

import signal
import sys
from pathlib import Path

from confluent_kafka import Producer

from reliability.embedded import ports
from reliability.embedded.child import Child
from reliability.embedded.folder import Folder
from reliability.embedded.server import Say

ANSWER_WITHIN_S = 10.0


class MockBroker:
    """The in-process broker as a server of the stack; its port is chosen by librdkafka at each start."""

    name = "kafka"
    broker = "in-process"

    def __init__(self, folder: Folder) -> None:
        """Keep the address in the embedded folder."""
        self._folder = folder

    @property
    def _address_file(self) -> Path:
        return self._folder.path / "mock-broker.address"

    def prepare(self, say: Say) -> None:
        """Forget the address of the last run."""
        self._address_file.unlink(missing_ok=True)
        say("using librdkafka's in-process broker")

    def child(self) -> Child:
        """The helper process."""
        return Child(
            name=self.name,
            argv=[sys.executable, "-m", "reliability.embedded.mock_broker", str(self._address_file)],
            log=self._folder.logs / "kafka.log",
            cwd=Path(__file__).parents[2],
            stop_within_s=3.0,
            restarts=False,
        )

    def answers(self) -> bool:
        """Whether it has told its address and accepts connections there."""
        address = self.url()
        return bool(address) and ports.answers(int(address.rpartition(":")[2]))

    def url(self) -> str:
        """The bootstrap address; empty until it is known."""
        return self._address_file.read_text() if self._address_file.is_file() else ""


def main(address_file: Path) -> None:
    """Run the broker until a signal ends the process."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    client = Producer({"test.mock.num.brokers": 1, "bootstrap.servers": "unused"})
    [broker] = client.list_topics(timeout=ANSWER_WITHIN_S).brokers.values()
    unfinished = address_file.with_suffix(".new")
    unfinished.write_text(f"{broker.host}:{broker.port}")
    unfinished.replace(address_file)
    signal.pause()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
