"""The real PostgreSQL, Redis and Kafka that the tests use: those the environment names, else embedded ones.

Started once per run, before Django reads its settings; data stays in ``.mainstay/test``: the next run starts fast.
A run of nothing but unit and architecture tests starts none.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import sys

NOWHERE = {
    "DATABASE_URL": "postgresql://nobody@127.0.0.1:9/none",
    "REDIS_URL": "redis://127.0.0.1:9/0",
    "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9",
}
WITHOUT_SERVERS = ("tests/unit", "tests/architecture")


def name_servers() -> None:
    """Put the servers' addresses into the environment, starting what it does not name."""
    if all(os.environ.get(name) for name in NOWHERE):
        return
    if not _needed():
        for name, address in NOWHERE.items():
            os.environ.setdefault(name, address)
        return
    from reliability.embedded import stack

    exits = contextlib.ExitStack()
    addresses = exits.enter_context(stack.running(stack.ROOT / "test", durable=False, say=_say))
    atexit.register(exits.close)
    if addresses.broker == "in-process":
        exits.close()
        sys.exit(f"The tests need Apache Kafka. {addresses.broker_reason}")
    os.environ.update(addresses.environment())
    os.environ["MAINSTAY_BROKER"] = addresses.broker
    os.environ["MAINSTAY_BROKER_REASON"] = addresses.broker_reason


def _needed() -> bool:
    if "pytest" not in sys.modules:
        return False  # a type checker or a linter reads the settings
    paths = [word for word in sys.argv[1:] if word.startswith("tests")]
    return not paths or any(not path.startswith(WITHOUT_SERVERS) for path in paths)


def _say(text: str) -> None:
    sys.stderr.write(f"test servers: {text}\n")
