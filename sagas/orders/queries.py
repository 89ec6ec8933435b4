"""Reads of the shop."""

from __future__ import annotations

from sagas.orders import models
from sagas.orders.domain import faults


def is_on(name: str) -> bool:
    """Return whether a fault is on; a fault nobody has switched yet is on, so that the demo has something to show."""
    if name not in faults.FAULTS:
        raise KeyError(name)
    switch = models.FaultSwitch.objects.filter(name=name).first()
    return switch is None or switch.on


def switches() -> list[tuple[faults.Fault, bool]]:
    """Return every fault and whether it is on."""
    states = dict(models.FaultSwitch.objects.values_list("name", "on"))
    return [(fault, states.get(name, True)) for name, fault in faults.FAULTS.items()]


def progress() -> dict[str, int]:
    """Return how many orders reached which station of the shop."""
    return {
        "placed": models.Order.objects.count(),
        "paid": models.Payment.objects.count(),
        "reserved": models.Reservation.objects.count(),
        "shipped": models.Shipment.objects.count(),
    }
