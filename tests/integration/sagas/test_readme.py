"""A plain Django project does what the README says, word for word."""

from __future__ import annotations

import os
import re
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
README = (ROOT / "README.md").read_text()
SECTION = README[README.index("## A saga in your own service") : README.index("## More")]
INSTALL, DEFINE, START = re.findall(r"```python\n(.*?)```", SECTION, re.DOTALL)

SETTINGS = """
import reliability
SECRET_KEY = "only for this test"
INSTALLED_APPS = [f"django.contrib.{{name}}" for name in ("auth", "contenttypes", "sessions")] + ["shop"]
{install}
DATABASES = {{"default": {{"ENGINE": "django.db.backends.postgresql", **{database!r}}}}}
USE_TZ = True
"""
STOCK = """
calls = []


def reserve(data, key):
    calls.append(key)


def release(data, key):
    calls.append(key)
"""
PROVIDER = """
calls = []
behaves = {}


class Refused(Exception):
    pass


class Busy(Exception):
    pass


def charge(order, cents, *, idempotency_key):
    calls.append(idempotency_key)
    if behaves.get("charge"):
        raise behaves.pop("charge")
    return "pay-1"


def refund(data, key):
    calls.append(key)


def was_charged(data, key):
    return False


def ship(data, key):
    calls.append(key)
"""
RUN = """
import django
django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
{start}
import sagas
from sagas.models import Saga
from shop import provider, stock
sagas.run()
assert Saga.objects.get().status == "completed", Saga.objects.get().reason
assert [key.split(":")[1] for key in [*stock.calls, *provider.calls]] == ["reserve", "charge", "ship"]
provider.behaves["charge"] = provider.Refused("card expired")
with transaction.atomic():
    sagas.start(order, key="order-18", data={{"order": "order-18", "cents": 1}})
sagas.run()
assert Saga.objects.get(key="order-18").status == "compensated", Saga.objects.get(key="order-18").reason
assert stock.calls[-1].endswith("reserve:undo")
call_command("sagas", "list")
call_command("sagas", "verify")
"""


@pytest.fixture
def database(db: None) -> Iterator[dict[str, str]]:
    parameters = connection.get_connection_params()
    name = f"readme_{uuid.uuid4().hex[:8]}"
    known = {n: parameters[n] for n in ("user", "password", "host", "port") if parameters.get(n)}
    with psycopg.connect(dbname="postgres", autocommit=True, **known) as server:
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        yield {"NAME": name, **{n.upper(): str(value) for n, value in known.items()}}
        server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def test_the_readme_is_true(database: dict[str, str], tmp_path: Path) -> None:
    shop = tmp_path / "shop"
    shop.mkdir()
    (shop / "__init__.py").write_text("")
    (shop / "stock.py").write_text(STOCK)
    (shop / "provider.py").write_text(PROVIDER)
    (shop / "sagas.py").write_text(DEFINE)
    (tmp_path / "shop_settings.py").write_text(SETTINGS.format(install=INSTALL, database=database))
    env = {name: value for name, value in os.environ.items() if not name.startswith(("MAINSTAY_", "KAFKA_", "REDIS_"))}
    env |= {"DJANGO_SETTINGS_MODULE": "shop_settings", "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}
    done = subprocess.run(
        [sys.executable, "-c", RUN.format(start=START)],
        env=env,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "order-18" in done.stdout
    assert "what the histories say" in done.stdout
