"""Any number of workers look at the same policies: each change happens once."""

from __future__ import annotations

import threading

import pytest
from django.db import connections

from reliability.audit.models import Entry
from reliability.degradation import registry, tasks
from reliability.degradation.domain.flags import declared
from reliability.degradation.evaluator.turn import turn
from reliability.degradation.models import Change, Flag, Policy, Sample
from tests.integration.degradation.conftest import Signals
from tests.integration.degradation.test_policies import KEY, save

pytestmark = pytest.mark.django_db(transaction=True)
WORKERS = 4


def together(signals: Signals) -> None:
    """A turn of each worker, all at once."""
    ready = threading.Barrier(WORKERS)

    def work() -> None:
        try:
            ready.wait(10)
            turn(now=signals.now, signals=signals.registered)
        finally:
            connections.close_all()

    workers = [threading.Thread(target=work) for _ in range(WORKERS)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(30)
    assert not any(worker.is_alive() for worker in workers)


def test_a_policy_flips_once_whoever_looks(flag: Flag, signals: Signals) -> None:
    save(signals)
    before = Entry.objects.count()
    for value, seconds in ((400.0, 8), (10.0, 14)):
        signals.values[KEY] = value
        for _ in range(seconds):
            signals.wait(1)
            together(signals)
    kinds = list(Change.objects.filter(owner="slow", kind__in=["entered", "left"]).order_by("id").values_list("kind"))
    assert kinds == [("entered",), ("left",)]
    acts = list(Entry.objects.order_by("seq")[before:].values_list("act", "outcome"))
    assert acts == [("degradation.set", "done"), ("degradation.clear", "done")]
    assert Policy.objects.get().steps >= 22
    rows = list(Sample.objects.order_by("first").values_list("value", flat=True))
    assert rows == [400.0, 10.0], "no sample is written down twice"


def test_the_task_knows_what_this_process_declares(flag: Flag, monkeypatch: pytest.MonkeyPatch) -> None:
    mail = declared("mail", title="Mail", levels={"later": "Letters come later."})
    monkeypatch.setattr(registry, "declarations", lambda: [mail])
    tasks.evaluate()
    assert Flag.objects.get(name="mail").levels[1] == ["later", "Letters come later."]
    with tasks._turning:
        Flag.objects.filter(name="mail").delete()
        tasks.evaluate()
        assert not Flag.objects.filter(name="mail").exists(), "a turn under way is enough"
    tasks.forget()
