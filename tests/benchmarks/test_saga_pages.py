"""How long the pages of sagas take with 100,000 of them kept."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import connection

from sagas.models import Saga
from tests.benchmarks import asking, printing
from tests.support import sagas
from tests.support.sagas import start

pytestmark = [pytest.mark.benchmark, pytest.mark.django_db(transaction=True), pytest.mark.timeout(900)]

SAGAS = 100_000
# Copies of one saga that is over and of one that needs a person, one in fifty, each with its history.
_COPY = """
WITH kinds AS (
    SELECT *, row_number() OVER (ORDER BY rank DESC) AS place FROM sagas_saga
), numbers AS (
    SELECT n, gen_random_uuid() AS new_id, CASE WHEN n %% 50 = 0 THEN 2 ELSE 1 END AS place
    FROM generate_series(1, %s) AS n
), made AS (
    INSERT INTO sagas_saga
    SELECT new_id, definition, definition_version, 'ord-' || n, status, rank, direction, step, side, effect, attempts,
           waits_for, parked, reason, error, late, version, due_at, deadline, started_at - n * interval '1 second',
           changed_at - n * interval '1 second', ended_at, worker, fence, look_at, claims
    FROM numbers JOIN kinds USING (place)
    RETURNING id
)
INSERT INTO sagas_event
SELECT new_id, event.version, event.at - n * interval '1 second', kind, event.step, event.side, attempt, data, actor,
       event.fence
FROM numbers JOIN kinds USING (place) JOIN sagas_event AS event ON event.saga_id = kinds.id
"""


@pytest.fixture
def console(transactional_db: None) -> Iterator[str]:
    with sagas.opened() as shop:
        definition = shop.order()
        start(definition, key="first")
        sagas.run()
        shop.then("charge", sagas.raising(TimeoutError("no answer within 3 s")))
        start(definition, key="second")
        sagas.run()
        columns = [field.column for field in Saga._meta.concrete_fields]
        with connection.cursor() as cursor:
            cursor.execute("SELECT column_name FROM information_schema.columns WHERE table_name = 'sagas_saga'"
                           " ORDER BY ordinal_position")  # fmt: skip
            assert [name for (name,) in cursor.fetchall()] == columns
            cursor.execute(_COPY, [SAGAS])
            cursor.execute("ANALYZE")
        with asking.serving() as address:
            yield address


def test_pages(console: str) -> None:
    stuck = Saga.objects.filter(status="needs_operator").latest("changed_at").pk
    pages = {
        "list": "/sagas/",
        "list: stuck": "/sagas/?state=stuck",
        "list: completed": "/sagas/?state=completed",
        "list: business key": "/sagas/?q=ord-4711",
        "list: step": "/sagas/?step=charge",
        "list: a part of the error": "/sagas/?error=within",
        "list: a part of no error": "/sagas/?error=nowhere",
        "list: older than a day": "/sagas/?age=1440",
        "one saga": f"/sagas/{stuck}/",
        "definitions": "/sagas/definitions/",
        "overview": "/",
        "API list": "/api/v1/sagas?limit=50",
    }
    printing.heading(f"Sagas: pages with {SAGAS:,} of them, {asking.ASKED} asked")
    asking.measure(console, pages, asking.session())
