"""Sides of a reconciliation: this database through Django, another PostgreSQL, an HTTP API."""

from __future__ import annotations

from sagas.queries.sides.http_client import http_api
from sagas.queries.sides.models_here import rows
from sagas.queries.sides.postgres_query import postgres

__all__ = ["http_api", "postgres", "rows"]
