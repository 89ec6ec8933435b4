"""The README's way to one's own Kafka, typed word for word into a terminal."""

from __future__ import annotations

import http.cookiejar
import os
import re
import shutil
import sys
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from reliability.embedded import ports
from tests.scenarios.setup.started import CHECKOUT, NO_NETWORK, environment
from tests.support import readme
from tests.support.terminal import INTERRUPT, Terminal
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.scenario, pytest.mark.timeout(600)]

INSTALL, SAY_WHERE, PREPARE, START, ASK, SHOWN = readme.blocks("Connect it to your Kafka in ten minutes")
PASSWORD = "long enough for anybody"
NOT_COPIED = shutil.ignore_patterns(".git", ".venv", ".mainstay", "node_modules", ".*_cache")
REDIS_DATABASE = "12"  # no other test's messages
GROUP, TOPIC = "connect-billing", "connect.orders.billing.dlq"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The project's folder as it is after a set-up, nothing else done in it."""
    copy = tmp_path / "mainstay"
    shutil.copytree(CHECKOUT, copy, ignore=NOT_COPIED)
    for name in (".venv", "node_modules"):
        (copy / name).symlink_to(CHECKOUT / name)
    (copy / ".mainstay").mkdir()
    shutil.copy(CHECKOUT / ".mainstay/setup.json", copy / ".mainstay")
    return copy


@pytest.fixture
def servers() -> Iterator[dict[str, str]]:
    """Addresses for the four variables of the README: an empty database, a Redis, a Kafka with a group and a letter."""
    server, name = os.environ["DATABASE_URL"], f"mainstay_connect_{uuid.uuid4().hex[:8]}"
    kafka, redis = os.environ["KAFKA_BOOTSTRAP_SERVERS"], os.environ["REDIS_URL"]
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
        _letter_and_group(kafka)
        yield {
            "KAFKA_BOOTSTRAP_SERVERS": kafka,
            "DATABASE_URL": urlunsplit(urlsplit(server)._replace(path=f"/{name}")),
            "REDIS_URL": f"{redis}?db={REDIS_DATABASE}"
            if redis.startswith("unix")
            else urlunsplit(urlsplit(redis)._replace(path=f"/{REDIS_DATABASE}")),
        }
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def _letter_and_group(kafka: str) -> None:
    producer = Producer({"bootstrap.servers": kafka})
    for number in range(3):
        producer.produce(TOPIC, f'{{"order": {number}}}'.encode(), key=b"o")
    assert producer.flush(20) == 0
    reader = Consumer({"bootstrap.servers": kafka, "group.id": GROUP})
    reader.commit(offsets=[TopicPartition(TOPIC, 0, 1)], asynchronous=False)
    reader.close()


def _with_own(block: str, servers: dict[str, str]) -> str:
    """The block with the servers' addresses in it, which are all that a reader replaces."""
    for name, address in servers.items():
        block, count = re.subn(rf"(?m)^export {name}=\S+$", f"export {name}='{address}'", block)
        assert count == 1, name
    return block


def test_each_block_does_what_is_said(folder: Path, servers: dict[str, str]) -> None:
    port = ports.any_free()
    # What differs from a person's machine: the port, and packages that are there already and fetched from nowhere.
    env = environment(**NO_NETWORK, UVICORN_PORT=str(port), PYTHON=sys.executable)
    with Terminal(folder, env) as first, Terminal(folder, env) as second:
        assert "set-up is complete" in first.run(INSTALL, within_s=120)
        first.run(_with_own(SAY_WHERE, servers))
        assert (folder / "mainstay.env").stat().st_mode & 0o777 == 0o600
        first.type(PREPARE)
        for question in ("Password: ", "The same again: "):
            first.wait_for(question, within_s=120)
            first.type(f"{PASSWORD}\n")
        first.wait_for("ada: admin, topics", within_s=60)
        first.ended()
        assert PASSWORD not in first.shown
        first.type(START)
        _look(second, port, log=folder / "mainstay.log")
        first.type(INTERRUPT)
        first.type("\n")
        first.wait_for(r"\n\$ ", within_s=60)
        wait_until(lambda: not _living(folder), within_s=30, what=lambda: str(_living(folder)))
    assert "Traceback" not in (folder / "mainstay.log").read_text()


def _look(second: Terminal, port: int, *, log: Path) -> None:
    troubles: list[str] = []

    def ready() -> bool:
        troubles.append(_trouble(port))
        return not troubles[-1]

    wait_until(ready, within_s=240, what=lambda: f"{set(troubles)}\n{log.read_text()}")
    *variables, doctor = ASK.splitlines()
    second.run("\n".join(variables) + "\n")
    expected = _checks(SHOWN)

    def holds() -> bool:
        second.type(f"{doctor}\n")
        second.wait_for(r"\n\$ ", within_s=60)
        found = _checks(second.shown[second.shown.rindex(doctor) :])
        return all(found.get(name) == said for name, said in expected.items())

    wait_until(holds, within_s=180, every_s=2, what=lambda: second.shown[-4000:])
    _sign_in(f"http://127.0.0.1:{port}")


def _checks(shown: str) -> dict[str, tuple[str, list[str]]]:
    """Of each line of ``doctor`` its name, with its verdict and what to do, in whatever numbers."""
    found: dict[str, tuple[str, list[str]]] = {}
    name = ""
    for line in shown.splitlines():
        if named := re.match(r"(OK|WARN|FAIL) +(\S+(?: \S+)*?)  +\S", f"{line} "):
            name = named[2]
            found[name] = (named[1], [])
        elif name and (todo := re.match(r" +-> (.*)", line)):
            found[name][1].append(todo[1])
    return found


def _trouble(port: int) -> str:
    """Why the console is not ready, or nothing."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=5) as answer:
            return "" if answer.status == 200 else f"status {answer.status}"
    except urllib.error.HTTPError as error:
        return f"{error}: {error.read()!r}"
    except OSError as error:
        return repr(error)


def _sign_in(address: str) -> None:
    """As the account that was made: the pages that the README names have what it says."""
    visitor = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))

    def page(path: str, **fields: str) -> str:
        data = urllib.parse.urlencode(fields).encode() if fields else None
        with visitor.open(f"{address}{path}", data, timeout=20) as answer:
            return str(answer.read().decode())

    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page("/accounts/login/"))
    assert token is not None
    inside = page("/accounts/login/", login="ada", password=PASSWORD, csrfmiddlewaretoken=token[1])
    assert "read-only" in inside.lower()
    wait_until(lambda: GROUP in page("/lag/"), within_s=60, every_s=2, what=lambda: page("/lag/"))
    wait_until(lambda: TOPIC in page("/letters/"), within_s=60, every_s=2, what=lambda: page("/letters/"))


def _living(folder: Path) -> list[str]:
    """The command lines of processes that work in the folder, but for the shells."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_text().replace("\0", " ")
            if (process / "cwd").resolve() == folder and not words.startswith("bash --noprofile"):
                found.append(words)
        except OSError:
            continue
    return found
