"""Reads of the shop."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from django.urls import reverse

from reliability.console.domain.values import Fact, Subject
from sagas.orders import models
from sagas.orders.domain import faults
from sagas.orders.domain.workload import INVOICES_CREATED, INVOICING


def is_on(name: str) -> bool:
    """Return whether a fault is on; raises ``KeyError`` for one that there is not."""
    fault = faults.FAULTS[name]
    switch = models.FaultSwitch.objects.filter(name=name).first()
    return fault.starts_on if switch is None else switch.on


def switches() -> list[tuple[faults.Fault, bool]]:
    """Return every fault and whether it is on."""
    states = dict(models.FaultSwitch.objects.values_list("name", "on"))
    return [(fault, states.get(name, fault.starts_on)) for name, fault in faults.FAULTS.items()]


def cause(subject: Subject, window: timedelta) -> Sequence[Fact]:
    """Return the fault that makes the invoicing stand still, while it is on."""
    about = {"group": INVOICING, "topic": INVOICES_CREATED}.get(subject.kind)
    if about != subject.name or not is_on(faults.INVOICING_HANG):
        return []
    fault = faults.FAULTS[faults.INVOICING_HANG]
    switch = models.FaultSwitch.objects.get(name=fault.name)
    return [
        Fact(
            kind="demo",
            text=f"The demo's fault “{fault.title}” is on",
            since=switch.changed_at,
            severity="crit",
            url=reverse("orders:demo"),
            topics=(INVOICES_CREATED,),
        )
    ]


def progress() -> dict[str, int]:
    """Return how many orders reached which station of the shop."""
    return {
        "placed": models.Order.objects.count(),
        "paid": models.Payment.objects.count(),
        "reserved": models.Reservation.objects.count(),
        "shipped": models.Shipment.objects.count(),
    }
