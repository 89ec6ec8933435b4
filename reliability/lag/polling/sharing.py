"""How the pollers of one process share its connections to the database: there may be fewer of these than clusters."""

from __future__ import annotations

from django.db import connection


def give_back() -> None:
    """Leave this thread's connection to the others; called before Kafka is asked, which may take seconds to answer."""
    connection.close_if_unusable_or_obsolete()
