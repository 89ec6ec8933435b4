"""Sides of a reconciliation: this database through Django, another PostgreSQL, an HTTP API."""

from __future__ import annotations

from sagas.queries.sides.django_rows import rows
from sagas.queries.sides.http_api import http_api
from sagas.queries.sides.postgres import postgres

__all__ = ["http_api", "postgres", "rows"]
