"""``/sagas/{id}/act-previews`` and ``/sagas/{id}/acts``: what an operator does."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest
from ninja import Path, Router

from reliability import access
from sagas import definitions
from sagas.api import bodies
from sagas.api.bodies import SagaActPlanned, SagaActPreview, SagaActRequest, SagaCall, SagaWhole
from sagas.domain.acts import Command
from sagas.operations import acting

router = Router(tags=["sagas"])


@router.post(
    "/sagas/{saga_id}/act-previews",
    response=SagaActPreview,
    operation_id="preview_saga_act",
    summary="What an act leads to",
)
def preview_act(request: HttpRequest, saga_id: Path[UUID], asked: SagaActPlanned) -> SagaActPreview:
    """Say what an act would lead to; nothing is changed."""
    saga, seen = acting.preview(saga_id, _command(asked), actor=access.actor_of(request))
    return SagaActPreview(
        version=saga.version,
        status=str(seen.status),
        ends=str(seen.ends),
        calls=[
            SagaCall(
                step=call.step,
                side=str(call.side),
                says=definitions.says(saga.definition, saga.definition_version, call.step, call.side),
                key=call.key,
                local=call.local,
                repeated=call.repeated,
            )
            for call in seen.calls
        ],
        warnings=list(seen.warnings),
    )


@router.post("/sagas/{saga_id}/acts", response=SagaWhole, operation_id="act_on_saga", summary="Do something to a saga")
def act(request: HttpRequest, saga_id: Path[UUID], asked: SagaActRequest) -> SagaWhole:
    """Do it, if the saga is still as it was looked at; the engine goes on from there."""
    acting.act(
        saga_id, _command(asked), expected_version=asked.version, actor=access.actor_of(request), reason=asked.reason
    )
    return bodies.whole(saga_id)


def _command(asked: SagaActPlanned) -> Command:
    return Command(act=asked.act, step=asked.step, result=asked.result, set=asked.set, unset=asked.unset)
