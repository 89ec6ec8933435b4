"""``/sagas``: sagas, one of them, its history; the definitions."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated
from uuid import UUID

from django.http import HttpRequest
from ninja import Path, Query, Router

from reliability import access
from sagas import definitions
from sagas.api import bodies
from sagas.api.bodies import SagaDefinition, SagaEvent, SagaHistory, SagaListed, SagasListed, SagasQuery, SagaWhole
from sagas.queries import cursors, histories, lists
from sagas.queries.lists import Filter

router = Router(tags=["sagas"])

HISTORY_PAGE = 200
HISTORY_PAGE_MAX = 1000


def _reader(request: HttpRequest) -> access.Actor:
    actor = access.actor_of(request)
    access.authorize(actor, "sagas.view")
    return actor


@router.get("/sagas", response=SagasListed, operation_id="list_sagas", summary="Sagas, what needs a person first")
def list_sagas(request: HttpRequest, asked: Query[SagasQuery]) -> SagasListed:
    """List sagas."""
    _reader(request)
    older = timedelta(seconds=asked.older_than_seconds) if asked.older_than_seconds is not None else None
    narrowed = Filter(
        key=asked.key,
        state=asked.state,
        definition=asked.definition,
        step=asked.step,
        error=asked.error,
        older_than=older,
    )
    now = histories.database_now()
    page = lists.page(narrowed, now=now, after=cursors.cursor(asked.cursor), limit=asked.limit)
    return SagasListed(items=[SagaListed(**bodies.listed(each)) for each in page.rows], next=cursors.text(page.next))


@router.get(
    "/sagas/definitions", response=list[SagaDefinition], operation_id="list_saga_definitions", summary="Definitions"
)
def list_definitions(request: HttpRequest) -> list[SagaDefinition]:
    """List the definitions that the console has the code of."""
    _reader(request)
    return [
        SagaDefinition(
            name=each.name,
            version=each.version,
            timeout_seconds=each.timeout.total_seconds(),
            steps=[step.name for step in each.plan.steps],
            pivot_after=each.plan.steps[each.plan.pivot - 1].name if each.plan.pivot else None,
        )
        for each in definitions.known()
    ]


@router.get("/sagas/{saga_id}", response=SagaWhole, operation_id="get_saga", summary="One saga")
def get_saga(request: HttpRequest, saga_id: Path[UUID]) -> SagaWhole:
    """Read one saga with its data and its steps."""
    _reader(request)
    return bodies.whole(saga_id)


@router.get(
    "/sagas/{saga_id}/history", response=SagaHistory, operation_id="get_saga_history", summary="A saga's history"
)
def get_history(
    request: HttpRequest,
    saga_id: Path[UUID],
    after: Annotated[int, Query(ge=0, le=2**31 - 1)] = 0,
    limit: Annotated[int, Query(ge=1, le=HISTORY_PAGE_MAX)] = HISTORY_PAGE,
) -> SagaHistory:
    """Read the entries behind number ``after``."""
    _reader(request)
    lists.row(saga_id)
    entries = histories.page(saga_id, after=after, limit=limit + 1)
    items = [
        SagaEvent(
            version=number,
            at=event.at,
            kind=str(event.kind),
            step=event.step,
            side=str(event.side) if event.step else "",
            attempt=event.attempt,
            data=dict(event.data),
            actor=event.actor,
        )
        for number, event in entries[:limit]
    ]
    return SagaHistory(items=items, next=items[-1].version if len(entries) > limit else None)
