"""The Celery application.

Tasks are wake-ups: what they do is read from PostgreSQL, so a lost or doubled one is harmless.
"""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import urlsplit

import celery
import kombu
from celery import Celery, signals
from celery.app import amqp
from django.conf import settings
from kombu.transport import redis

from reliability.kernel import redis_address, redis_client

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "reliability.settings")

RECONNECT_EVERY_S = 3
ANSWER_S = 5.0
_NOT_OF_SOCKETS = ("host", "port", "socket_connect_timeout", "socket_keepalive", "socket_keepalive_options")


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


class Task(celery.Task):  # type: ignore[type-arg]  # generic in its stubs alone
    """A task that rests in read-only mode, where it is one of those that send, call or decide something."""

    def __call__(self, *args: Any, **options: Any) -> Any:
        """Run it, or do nothing."""
        if getattr(settings, "MAINSTAY_READ_ONLY", False) and self.name in settings.READ_ONLY_TASKS_REST:
            return None
        return super().__call__(*args, **options)


app = Celery("mainstay", amqp=Amqp, task_cls=Task)
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


class Channel(redis.Channel):
    """A channel of a connection that was lost says so.

    Celery 5.7 gives a lost connection up and then closes it, and acknowledges on it what was under way; kombu answers
    both with an AttributeError, which ends the worker. An error of the connection is what Celery goes on after.
    Where Redis is, ``BROKER_ADDRESS`` says (``kernel/redis_address``): the address that Celery shows has no password.
    """

    def _connparams(self, asynchronous: bool = False) -> dict[str, Any]:
        if self.connection.client is None:
            raise ConnectionError("the connection to Redis was lost and given up")
        if self._is_the_brokers():
            return self._placed(asynchronous)
        params: dict[str, Any] = super()._connparams(asynchronous=asynchronous)  # type: ignore[misc]  # not in its stubs
        return params

    def _is_the_brokers(self) -> bool:
        """Whether the connection is to the broker of the settings, and to none that somebody named for himself."""
        shown, asked = urlsplit(str(settings.CELERY_BROKER_URL)), self.connection.client
        known = bool(getattr(settings, "BROKER_ADDRESS", ""))
        return known and asked is not None and (shown.hostname, shown.port) == (asked.hostname, asked.port)

    def _placed(self, asynchronous: bool) -> dict[str, Any]:
        placed = redis_client.placed(redis_address.parsed(settings.BROKER_ADDRESS), self.socket_timeout or ANSWER_S)
        # kombu makes a class of this one, by which its poller hears that a connection ends.
        self.connection_class = self.connection_class_ssl = placed.pop("connection_class")
        given: dict[str, Any] = super()._connparams(asynchronous=asynchronous)  # type: ignore[misc]
        if "path" in placed:
            return {name: value for name, value in given.items() if name not in _NOT_OF_SOCKETS} | placed
        return given | placed | {"socket_connect_timeout": self.socket_connect_timeout}


class Transport(redis.Transport):
    """Redis as Celery's broker; see ``CELERY_BROKER_TRANSPORT``."""

    Channel = Channel


@signals.setup_logging.connect
def _keep_our_logging(**kwargs: Any) -> None:
    """Stop Celery from replacing the JSON logs that the settings configured."""
