"""One chain, however many act at once and whoever is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

import pytest
from django.contrib.auth import get_user_model
from django.db import connection

from reliability import audit
from reliability.audit import queries
from reliability.audit.models import Entry
from tests.support.actors import actor

pytestmark = pytest.mark.django_db(transaction=True)

THREADS, ACTS = 8, 12


def test_eight_threads_at_once_leave_one_line_without_gaps() -> None:
    errors: list[Exception] = []
    start = threading.Barrier(THREADS)

    def act(number: int) -> None:
        try:
            start.wait()
            for turn in range(ACTS):
                act_or_fail(number, turn)
        except Exception as error:  # noqa: BLE001 - shown by the assertion below
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=act, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    found = queries.verify()
    assert errors == []
    assert found.broken is None
    assert found.checked == THREADS * ACTS
    assert Entry.objects.filter(outcome="failed").count() == THREADS * ACTS // 3


def act_or_fail(number: int, turn: int) -> None:
    try:
        with audit.action("demo.switch", actor=actor(name=f"user-{number}"), target=f"{number}:{turn}"):
            get_user_model().objects.create(username=f"{number}-{turn}")
            if turn % 3 == 0:
                raise LookupError(turn)
    except LookupError:
        pass


KILLED = """
import os, signal, sys
import django
django.setup()
from django.contrib.auth import get_user_model
from reliability import audit
from reliability.audit import operations
from tests.support.actors import actor

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

append = operations._append
if sys.argv[1] == "before":
    operations._append = die
else:
    operations._append = lambda *given: (append(*given), die())
with audit.action("demo.switch", actor=actor(), target="x"):
    get_user_model().objects.create(username="effect")
"""


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_kill_between_act_and_commit_leaves_neither(moment: str) -> None:
    settings = connection.settings_dict
    url = f"postgresql://{settings['USER']}:{settings['PASSWORD']}@{settings['HOST']}:{settings['PORT']}/{settings['NAME']}"
    environment = {**os.environ, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "tests.settings", "PYTHONPATH": "."}

    killed = subprocess.run([sys.executable, "-c", KILLED, moment], env=environment, capture_output=True, timeout=60)

    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert not get_user_model().objects.filter(username="effect").exists()
    assert not Entry.objects.exists()
    with audit.action("demo.switch", actor=actor(), target="next"):
        pass  # the dead process holds no lock
    assert queries.verify().checked == 1
