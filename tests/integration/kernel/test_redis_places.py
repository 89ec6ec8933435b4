"""Redis behind sentinels, as a cluster and behind TLS: everybody who uses it finds it, and follows it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import redis
from celery import Celery
from celery.contrib.testing.worker import start_worker
from kombu.exceptions import OperationalError

from outbox.operations import hints as outbox_hints
from reliability.breakers.domain.evidence import Counts
from reliability.breakers.domain.machine import Breaker
from reliability.breakers.stores.port import Told, Unreachable
from reliability.breakers.stores.shared import RedisStore
from reliability.celery import Amqp, Connection, Transport
from reliability.console import figures, health
from reliability.degradation.stores.shared import RedisStore as Snapshots
from reliability.degradation.stores.shared_copies import Copy, SharedCopies
from reliability.kernel import redis_client
from reliability.live import connection as live
from reliability.live import hints
from reliability.live.changes import Changes
from reliability.settings import broker
from tests.support import redis_servers, tls_proxy
from tests.support.certificates import Authority
from tests.support.redis_servers import PASSWORD, Server, Watched
from tests.support.waiting import wait_until

ANSWER_S = 0.5


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Server]]:
    with redis_servers.cluster(Path(tmp_path_factory.mktemp("cluster"))) as servers:
        yield servers


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(Path(tmp_path_factory.mktemp("alone")), f"requirepass {PASSWORD}")
    server.start()
    yield server
    server.stop()


def use_it_all() -> None:
    """Do what each room does with Redis, at ``settings.REDIS_URL``."""
    assert health.ask_redis() == ("ok", "")
    store = RedisStore()
    kept = store.read(["payments"])["payments"]
    swapped = store.swap("payments", kept, kept.breaker or Breaker())
    assert swapped is not None
    assert store.tell("host", [Told(name="payments", gen=1, window_s=30, counts=Counts(calls=2, failed=1))])[
        "payments"
    ].hosts
    assert store.beat("process", '{"host": "h", "pid": 1, "gens": {}}', {}) >= 1
    store.changes(["payments"])
    snapshots = Snapshots()
    assert snapshots.publish(1, "text", anyway=True)
    assert snapshots.newer(0) == "text"
    snapshots.beat("p", {"host": "h"}, {"flag": "{}"})
    snapshots.processes()
    copies = SharedCopies()
    copies.invalidate(["tag", "other"], "g1")
    assert copies.generations(["tag", "other"]) == ("g1", "g1")
    assert copies.keep("key", Copy(text="x", at_s=time.time()), ["tag"], ("g1",), for_s=10)
    assert copies.find("key", ["tag"])[0] is not None
    copies.tell({"c": {"fresh": 1}}, {"c": {"fresh_s": 1}})
    assert copies.counted(minutes=2) == {"c": {"fresh": 1}} or copies.counted(minutes=2)["c"]["fresh"] > 1
    publisher = hints.Publisher(timeout_s=ANSWER_S)
    publisher.send("letters", hints.Hint(worst="crit"))
    assert publisher.waiting == {}

    async def look() -> object:
        client = live.async_client()
        try:
            return await Changes(client).versions(["letters"])
        finally:
            await client.aclose()

    asyncio.run(look())
    with outbox_hints.client().pubsub(ignore_subscribe_messages=True) as heard:
        heard.subscribe(outbox_hints.channel())
        heard.get_message(timeout=1)
        outbox_hints.client().publish(outbox_hints.channel(), b"")
        wait_until(lambda: heard.get_message(timeout=0.2) is not None, within_s=5, what="the hint is heard")


def messages_go_through(settings: Any, address: str) -> None:
    """Send a Celery message and take it, by our transport."""
    settings.BROKER_ADDRESS, settings.CELERY_BROKER_URL = address, broker.shown(address)
    with Connection(settings.CELERY_BROKER_URL, transport=Transport, connect_timeout=2) as connection:
        queue = connection.SimpleQueue("places")
        queue.put({"number": 7})
        message = queue.get(timeout=5)
        assert message.payload == {"number": 7}
        message.ack()
        queue.close()
    assert {figure.labels["queue"] for figure in figures.of_queues()} >= {"relay", "critical", "standard", "bulk"}


def test_every_room_works_on_a_cluster(cluster: list[Server], settings: Any):
    settings.REDIS_URL = redis_servers.cluster_url(cluster)
    use_it_all()
    held = {server.port: server.client().execute_command("DBSIZE") for server in cluster}
    assert sum(1 for count in held.values() if count) >= 2, held  # rooms lie on different servers


def test_a_server_of_the_cluster_that_is_down_is_passed_over_by_who_does_not_need_it(
    cluster: list[Server], settings: Any
):
    nowhere = redis_servers.cluster_url(cluster).replace("@", "@127.0.0.1:9,")
    settings.REDIS_URL = nowhere
    assert live.client().ping()


def test_keys_that_move_to_another_server_are_followed(cluster: list[Server]):
    client = redis_client.impatient(redis_servers.cluster_url(cluster), ANSWER_S, tag="{moves}")
    client.set("{moves}:a", "1")
    slot = int(cluster[0].client().execute_command("CLUSTER", "KEYSLOT", "{moves}:a"))
    client.delete("{moves}:a")
    names = {server.port: str(server.client().execute_command("CLUSTER", "MYID")) for server in cluster}
    owner = client.connection_pool.get_connection()
    old_port = owner.port
    client.connection_pool.release(owner)
    old = next(server for server in cluster if server.port == old_port)
    new = next(server for server in cluster if server.port != old_port)
    new.client().execute_command("CLUSTER", "SETSLOT", slot, "IMPORTING", names[old.port])
    old.client().execute_command("CLUSTER", "SETSLOT", slot, "MIGRATING", names[new.port])
    for server in (new, *(each for each in cluster if each is not new)):
        server.client().execute_command("CLUSTER", "SETSLOT", slot, "NODE", names[new.port])

    def lands() -> bool:
        with suppress(redis.ConnectionError):
            return bool(client.set("{moves}:a", "2"))
        return False

    wait_until(lands, within_s=10, what="the keys are followed")
    assert new.client().get("{moves}:a") == "2"


def test_celery_cannot_use_a_cluster_and_its_own_address_is_used(alone: Server, settings: Any):
    messages_go_through(settings, f"redis://:{PASSWORD}@127.0.0.1:{alone.port}/1")


def test_everybody_follows_when_the_master_is_killed(tmp_path: Path, settings: Any):
    with redis_servers.watched(tmp_path) as servers:
        settings.REDIS_URL = servers.url
        use_it_all()
        messages_go_through(settings, servers.url)
        servers.master.kill()
        began = time.monotonic()
        state, detail = health.ask_redis()
        assert state == "down", detail
        assert PASSWORD not in detail
        with pytest.raises(Unreachable):
            RedisStore().read(["payments"])
        assert time.monotonic() - began < 3.0  # nobody waits for the failover
        wait_until(lambda: health.ask_redis()[0] == "ok", within_s=20, what="the new master answers")
        wait_until(lambda: _is_writable(servers), within_s=10, what="it takes writes")
        use_it_all()
        messages_go_through(settings, servers.url)


def _is_writable(servers: Watched) -> bool:
    with suppress(redis.RedisError):
        return bool(redis_client.impatient(servers.url, ANSWER_S).set("writes", "1"))
    return False


def test_a_master_that_became_a_replica_is_left_and_one_that_sentinels_do_not_know_is_named(
    tmp_path: Path, settings: Any
):
    with redis_servers.watched(tmp_path) as servers:
        settings.REDIS_URL = servers.url.replace(f"/{redis_servers.MASTER}/", "/nobody/")
        state, detail = health.ask_redis()
        assert (state, "knows no master 'nobody'" in detail) == ("down", True), detail
        assert PASSWORD not in detail
        client = redis_client.impatient(servers.url, ANSWER_S)
        assert client.set("x", "1")
        servers.sentinels[0].client().execute_command("SENTINEL", "FAILOVER", redis_servers.MASTER)

        def lands() -> bool:
            with suppress(redis.RedisError):
                client.set("x", "2")
                return bool(servers.replica.client().get("x") == "2" and _role(servers.replica) == "master")
            return False

        wait_until(lands, within_s=20, what="writes land at the new master")


def _role(server: Server) -> str:
    return str(server.client().execute_command("ROLE")[0])


@pytest.mark.parametrize("wants_certificate", [False, True])
def test_over_tls(alone: Server, tmp_path: Path, settings: Any, wants_certificate: bool):
    authority = Authority(tmp_path)
    pair, ours = authority.sign("cache"), authority.sign("console")
    with tls_proxy.behind_tls(alone.port, pair, client_ca=authority.file if wants_certificate else None) as proxy:
        port = proxy.port
        mine = f"&ssl_certfile={ours.certificate}&ssl_keyfile={ours.key}" if wants_certificate else ""
        address = f"rediss://:{PASSWORD}@127.0.0.1:{port}/0?ssl_ca_certs={authority.file}{mine}"
        settings.REDIS_URL = address
        use_it_all()
        messages_go_through(settings, address)


@pytest.mark.parametrize("wrong", ["authority", "name", "expired"])
def test_a_certificate_that_is_wrong_is_refused_at_once(alone: Server, tmp_path: Path, settings: Any, wrong: str):
    authority, stranger = Authority(tmp_path), Authority(tmp_path / "other", name="other")
    pair = {
        "authority": stranger.sign("cache"),
        "name": authority.sign("elsewhere", names=("elsewhere.example",), loopback=False),
        "expired": authority.sign("old", ends_at=datetime.now(UTC) - timedelta(hours=1)),
    }[wrong]
    with tls_proxy.behind_tls(alone.port, pair) as proxy:
        port = proxy.port
        settings.REDIS_URL = f"rediss://:{PASSWORD}@127.0.0.1:{port}/0?ssl_ca_certs={authority.file}"
        began = time.monotonic()
        state, detail = health.ask_redis()
        assert time.monotonic() - began < 2.0
    assert state == "down"
    assert {"authority": "unable to get local issuer", "name": "mismatch", "expired": "expired"}[wrong] in detail
    assert PASSWORD not in detail


def test_celerys_application_names_its_broker_without_a_password():
    app = Celery("x", broker=broker.shown(f"redis+sentinel://:{PASSWORD}@a:1,b:2/m/3"))
    assert app.conf.broker_url == "redis://a:1/3"


def test_a_worker_of_celery_follows_the_new_master(tmp_path: Path, settings: Any):
    with redis_servers.watched(tmp_path) as servers:
        settings.BROKER_ADDRESS, settings.CELERY_BROKER_URL = servers.url, broker.shown(servers.url)
        app, heard = Celery("follows", amqp=Amqp, broker=settings.CELERY_BROKER_URL, set_as_current=False), list[int]()
        app.conf.update(
            broker_transport=settings.CELERY_BROKER_TRANSPORT,
            broker_transport_options=settings.CELERY_BROKER_TRANSPORT_OPTIONS,
            broker_connection_max_retries=None,
            task_default_queue="follows",
            task_ignore_result=True,
            worker_cancel_long_running_tasks_on_connection_loss=False,
        )

        @app.task(name="follows.hear", shared=False)
        def hear(number: int) -> None:
            heard.append(number)

        def is_heard(number: int) -> bool:
            with suppress(OperationalError, OSError, redis.RedisError):
                hear.apply_async((number,), retry=False)
            return number in heard

        with start_worker(app, pool="solo", perform_ping_check=False, queues="follows"):
            wait_until(lambda: is_heard(1), within_s=15, what="the worker hears", every_s=0.5)
            servers.master.kill()
            wait_until(lambda: is_heard(2), within_s=40, what="the worker hears of the new master", every_s=0.5)
