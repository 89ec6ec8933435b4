"""The demo's switches in the REST API."""

from __future__ import annotations

from django.http import HttpRequest
from ninja import Router, Schema

from reliability import access
from reliability.kernel import clock
from sagas.orders import operations, queries

router = Router(tags=["demo"])


class FaultOut(Schema):
    """A fault of the demo's shop."""

    name: str
    title: str
    broken: str
    on: bool


@router.get("/faults", response=list[FaultOut], summary="The shop's faults and whether they are on")
def list_faults(request: HttpRequest) -> list[FaultOut]:
    """Return every fault."""
    access.authorize(access.actor_of(request), "orders.view")
    return [
        FaultOut(name=fault.name, title=fault.title, broken=fault.broken, on=on) for fault, on in queries.switches()
    ]


@router.put("/faults/{name}/{state}", response=list[FaultOut], summary="Switch a fault: state is on or off")
def switch_fault(request: HttpRequest, name: str, state: str) -> list[FaultOut]:
    """Switch one fault; anything but ``on`` or ``off`` is refused."""
    operations.switch(name=name, on=operations.state_of(state), actor=access.actor_of(request), now=clock.SYSTEM.now())
    return list_faults(request)
