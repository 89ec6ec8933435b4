"""The image's folder and its services' commands, for tests that run them; built once."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from reliability.embedded import ports
from tests.support import deployed, production
from tests.support.production import Container

DATABASE = f"mainstay_deploy_{os.getpid()}"
REDIS_DATABASE = "11"  # no other test's messages


@pytest.fixture(scope="session")
def around() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="mainstay-deploy-") as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def app(around: Path) -> Path:
    """The image's folder, made by the image's own recipe."""
    folder = around / "app"
    folder.mkdir()
    production.build(folder)
    return folder


@pytest.fixture(scope="session")
def secrets(around: Path) -> Iterator[Path]:
    """The secrets of the compose file, with the addresses of the test's servers and an empty database."""
    folder = around / "secrets"
    production.make_secrets(folder)
    server = os.environ["DATABASE_URL"]
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{DATABASE}"')
        (folder / "database_url").write_text(urlunsplit(urlsplit(server)._replace(path=f"/{DATABASE}")))
        redis = urlsplit(os.environ["REDIS_URL"])
        named = f"{os.environ['REDIS_URL']}?db={REDIS_DATABASE}"
        (folder / "redis_url").write_text(
            named if redis.scheme == "unix" else urlunsplit(redis._replace(path=f"/{REDIS_DATABASE}"))
        )
        yield folder
        connection.execute(f'DROP DATABASE "{DATABASE}" WITH (FORCE)')


@pytest.fixture(scope="session")
def containers(app: Path, around: Path, secrets: Path) -> Iterator[dict[str, Container]]:
    """Every service that runs our image, not started."""
    outside = {
        "KAFKA_BOOTSTRAP_SERVERS": os.environ["KAFKA_BOOTSTRAP_SERVERS"],
        "MAINSTAY_DLQ_TOPIC_PATTERNS": "^only-in-test-of-deploy$",  # other tests' letters are theirs
    }
    port = ports.any_free()
    found = {
        name: Container(name, service, app, around, outside, port) for name, service in deployed.our_services().items()
    }
    yield found
    for each in found.values():
        if each.child is not None:
            each.child.kill()
