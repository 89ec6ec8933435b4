"""The Celery application.

Tasks are wake-ups: what they do is read from PostgreSQL, so a lost or doubled one is harmless.
"""

from __future__ import annotations

import os
from typing import Any

import kombu
from celery import Celery, signals
from celery.app import amqp
from kombu.transport import redis

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "reliability.settings")

RECONNECT_EVERY_S = 3


class Connection(kombu.Connection):
    """A connection that is looked for at short intervals.

    Celery waits longer each time, up to half a minute: so long a worker would stay deaf after a Redis that came back.
    Others see Redis again at once, so a relay's turn ends with a message that nobody would hear, and nothing is sent.
    """

    def ensure_connection(self, *args: Any, **options: Any) -> kombu.Connection:  # type: ignore[override]  # the same
        """Wait for the server; as kombu's."""
        options.setdefault("interval_max", RECONNECT_EVERY_S)
        return super().ensure_connection(*args, **options)


class Amqp(amqp.AMQP):
    """How the application makes its connections."""

    Connection = Connection


app = Celery("mainstay", amqp=Amqp)
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


class Channel(redis.Channel):
    """A channel of a connection that was lost says so.

    Celery 5.7 gives a lost connection up and then closes it, and acknowledges on it what was under way; kombu answers
    both with an AttributeError, which ends the worker. An error of the connection is what Celery goes on after.
    """

    def _connparams(self, asynchronous: bool = False) -> dict[str, Any]:
        if self.connection.client is None:
            raise ConnectionError("the connection to Redis was lost and given up")
        params: dict[str, Any] = super()._connparams(asynchronous=asynchronous)  # type: ignore[misc]  # not in its stubs
        return params


class Transport(redis.Transport):
    """Redis as Celery's broker; see ``CELERY_BROKER_TRANSPORT``."""

    Channel = Channel


@signals.setup_logging.connect
def _keep_our_logging(**kwargs: Any) -> None:
    """Stop Celery from replacing the JSON logs that the settings configured."""
