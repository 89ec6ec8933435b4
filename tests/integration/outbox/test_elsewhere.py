"""Another Django project installs the rooms and the outbox, and nothing else: tables, append, relay, commands work."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from django.db import connection
from psycopg import sql

ROOT = Path(__file__).parents[3]

SETTINGS = """
import reliability
SECRET_KEY = "only for this test"
INSTALLED_APPS = [f"django.contrib.{name}" for name in ("auth", "contenttypes", "sessions")]
INSTALLED_APPS += [*reliability.ROOMS, "outbox"]
DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql", **%r}}
USE_TZ = True
KAFKA_BACKEND = "memory"
"""

SHOP = """
import django
django.setup()
from django.core.management import call_command
from django.db import transaction
import outbox
from outbox import queries, relay
from reliability.kafka import clusters
call_command("migrate", verbosity=0)
clusters.admin().create_topics({"orders": 2})
with transaction.atomic():
    id_ = outbox.append(topic="orders", key=b"1", value=b"placed", receipt=True)
here = relay.of_this_process(hosting="process")
while here.step():
    pass
here.close()
assert queries.receipts([id_])[id_].state == "sent"
assert [record.value for record in clusters.memory_broker().records("orders")] == [b"placed"]
call_command("outbox", "upkeep")
call_command("outbox", "status", "--json")
"""


@pytest.fixture
def database(db: None) -> Iterator[dict[str, str]]:
    parameters = connection.get_connection_params()
    name = f"elsewhere_{uuid.uuid4().hex[:8]}"
    known = {n: parameters[n] for n in ("user", "password", "host", "port") if parameters.get(n)}
    with psycopg.connect(dbname="postgres", autocommit=True, **known) as server:
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        yield {"NAME": name, **{n.upper(): str(value) for n, value in known.items()}}
        server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def test_a_project_of_its_own_can_append_and_relay(database, tmp_path):
    (tmp_path / "shop_settings.py").write_text(SETTINGS % database)
    env = {name: value for name, value in os.environ.items() if not name.startswith(("MAINSTAY_", "KAFKA_", "REDIS_"))}
    env |= {"DJANGO_SETTINGS_MODULE": "shop_settings", "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}
    done = subprocess.run(
        [sys.executable, "-c", SHOP], env=env, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert '"events": 0' in done.stdout
