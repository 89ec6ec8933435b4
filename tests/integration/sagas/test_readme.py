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

from tests.support.http_side import serving

ROOT = Path(__file__).parents[3]
README = (ROOT / "README.md").read_text()
SECTION = README[README.index("## A saga in your own service") : README.index("## More")]
INSTALL, DEFINE, START, COMPARE = re.findall(r"```python\n(.*?)```", SECTION, re.DOTALL)

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
MODELS = """
from django.db import models


class Order(models.Model):
    number = models.CharField(max_length=20)
    state = models.CharField(max_length=20)
    cents = models.IntegerField()
    placed_at = models.DateTimeField()
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

from datetime import datetime, timedelta, timezone
from django.db import connection
from sagas.models import Finding
from sagas.operations.reconciling import repairing
from reliability.access import system_actor
from shop.models import Order
with connection.schema_editor() as editor:
    editor.create_model(Order)
long_ago = datetime.now(timezone.utc) - timedelta(hours=1)
for number, state in (("order-20", "paid"), ("order-21", "pending")):
    Order.objects.create(number=number, state=state, cents=7, placed_at=long_ago)
call_command("reconcile", "compare", "orders_against_payments", "--here")
call_command("reconcile", "list")
finding = Finding.objects.get()
assert (finding.key, finding.state) == ("order-21", "open"), finding
look = repairing.look(finding.id, actor=system_actor("test"))
repair = {{"repair": "ask_again", "plan_hash": look.proposal.hash, "reason": "as the README says"}}
repairing.apply(finding.id, actor=system_actor("test"), **repair)
sagas.run()
assert Saga.objects.get(key__startswith="repair/").status == "completed"
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


def answer(query: dict[str, list[str]]) -> object:
    """The payments of the service that the README's reconciliation asks."""
    return {"items": [{"order": "order-20", "cents": 7}] if "order-20" in query["order"] else []}


def test_the_readme_is_true(database: dict[str, str], tmp_path: Path) -> None:
    shop = tmp_path / "shop"
    shop.mkdir()
    (shop / "__init__.py").write_text("")
    (shop / "stock.py").write_text(STOCK)
    (shop / "sagas.py").write_text(DEFINE)
    (shop / "models.py").write_text(MODELS)
    (shop / "reconciliations.py").write_text(COMPARE)
    (tmp_path / "shop_settings.py").write_text(SETTINGS.format(install=INSTALL, database=database))
    env = {name: value for name, value in os.environ.items() if not name.startswith(("MAINSTAY_", "KAFKA_", "REDIS_"))}
    env |= {"DJANGO_SETTINGS_MODULE": "shop_settings", "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}
    with serving(answer) as server:
        (shop / "provider.py").write_text(PROVIDER + f"\nPAYMENTS_URL = {server.url!r}\n")
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
    assert "2 compared, 1 differ" in done.stdout
