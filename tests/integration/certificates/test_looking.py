"""Looking at the certificates of real servers, and what is told of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from reliability.access import Role
from reliability.certificates import definitions, operations, queries, tasks
from reliability.certificates.models import Certificate
from reliability.console import certificates
from reliability.kernel import clock
from reliability.kernel.telemetry import names
from reliability.settings.clusters import Profile
from tests.support import actors, secured_broker, tls_proxy
from tests.support.certificates import Authority
from tests.support.network import refusing_port, silent_port
from tests.support.redis_servers import PASSWORD, Server

pytestmark = pytest.mark.django_db
NOW = datetime.now(UTC)


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(Path(tmp_path_factory.mktemp("alone")), f"requirepass {PASSWORD}")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "authority")


@pytest.fixture
def no_kafka_over_tls(settings: Any) -> None:
    settings.BROKER_ADDRESS = ""
    settings.KAFKA_CLUSTERS = {"main": {"bootstrap.servers": "127.0.0.1:9"}}


def standing_of(name: str, *, now: datetime = NOW) -> queries.Row:
    [row] = [row for row in queries.rows(now=now) if row.name == name]
    return row


def test_a_redis_that_ends_soon_is_told_everywhere(
    alone: Server, authority: Authority, settings: Any, client: Any, no_kafka_over_tls: None
):
    ends = NOW + timedelta(days=20)
    ours = authority.sign("ours", ends_at=NOW - timedelta(hours=1))
    with tls_proxy.behind_tls(alone.port, authority.sign("cache", ends_at=ends)) as proxy:
        port = proxy.port
        mine = f"&ssl_certfile={ours.certificate}&ssl_keyfile={ours.key}"
        settings.REDIS_URL = f"rediss://:{PASSWORD}@127.0.0.1:{port}/0?ssl_ca_certs={authority.file}{mine}"
        assert certificates.check(now=NOW).found == "3 certificates, none was looked at yet"
        assert operations.look(now=NOW) == 3
        assert operations.look(now=NOW + timedelta(minutes=59)) == 0
    server, own = f"redis 127.0.0.1:{port}", f"redis client {ours.certificate}"
    assert standing_of(server).ends_at == ends.replace(microsecond=0)
    assert standing_of(server).subject == "CN=cache"
    items = {item.id: item for item in certificates.attention(now=NOW)}
    assert {name: item.status for name, item in items.items()} == {
        f"certificate:{server}": "warn",
        f"certificate:{own}": "crit",
    }
    assert f"{ends:%Y-%m-%d}" in items[f"certificate:{server}"].detail
    assert "have the server load it" in items[f"certificate:{server}"].detail
    check = certificates.check(now=NOW)
    assert check.verdict == "fail"
    assert "Expired" not in check.found
    assert own in check.remedy
    figures = {figure.labels["endpoint"]: figure.value for figure in certificates.figures()}
    assert figures[server] == int(ends.timestamp())
    assert all(figure.metric is names.CERTIFICATE_ENDS for figure in certificates.figures())
    client.force_login(actors.account(Role.VIEWER).user)
    page = client.get("/settings/").content.decode()
    assert server in page
    assert "Ends soon" in page
    assert PASSWORD not in page


def test_the_brokers_that_a_cluster_names_are_looked_at(tmp_path_factory: pytest.TempPathFactory, settings: Any):
    with secured_broker.running(Path(tmp_path_factory.mktemp("certified"))) as broker:
        settings.KAFKA_BACKEND = "confluent"
        settings.REDIS_URL = "redis://127.0.0.1:9/0"
        settings.KAFKA_CLUSTERS = {"main": Profile(broker.at("mutual")), "old": Profile(broker.at("expired"))}
        assert operations.look(now=NOW) == 5
        assert standing_of(f"kafka main 127.0.0.1:{broker.ports['mutual']}").subject == "CN=broker"
        assert standing_of(f"kafka main client {broker.client.certificate}").subject == "CN=console,O=Example"
        assert standing_of(f"kafka old 127.0.0.1:{broker.ports['expired']}").standing.word == "Expired"
        settings.KAFKA_CLUSTERS = {"main": {"bootstrap.servers": broker.url()}}
        operations.look(now=NOW)
        assert queries.rows(now=NOW) == []  # nothing names them any more


def test_clusters_that_do_not_answer_are_waited_for_once(settings: Any, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(definitions, "BROKERS_S", 1.0)
    settings.KAFKA_BACKEND = "confluent"
    settings.REDIS_URL, settings.BROKER_ADDRESS = "redis://127.0.0.1:9/0", ""
    with silent_port() as port:
        there = {"bootstrap.servers": f"127.0.0.1:{port}", "security.protocol": "SSL"}
        settings.KAFKA_CLUSTERS = {f"c{at}": Profile(there) for at in range(12)}
        began_s = clock.SYSTEM.monotonic()
        found = definitions.places()
        assert clock.SYSTEM.monotonic() - began_s < 6
    assert {place.name for place in found} == {f"kafka c{at} 127.0.0.1:{port}" for at in range(12)}


@pytest.mark.parametrize("how", ["refuses", "hangs", "speaks no TLS"])
def test_what_cannot_be_seen_is_unknown_and_keeps_what_was_seen(
    alone: Server, settings: Any, no_kafka_over_tls: None, how: str
):
    with ExitStack() as stack:
        port = refusing_port() if how == "refuses" else alone.port
        if how == "hangs":
            port = stack.enter_context(silent_port())
        settings.REDIS_URL = f"rediss://:{PASSWORD}@127.0.0.1:{port}/0"
        began = datetime.now(UTC)
        assert operations.look(now=NOW) == 1
        assert datetime.now(UTC) - began < timedelta(seconds=operations.WITHIN_S + 2)
    name = f"redis 127.0.0.1:{port}"
    assert standing_of(name).standing.status == "unknown"
    assert certificates.attention(now=NOW) == []  # that the server is away is told elsewhere
    assert certificates.check(now=NOW).verdict == "warn"
    assert list(certificates.figures()) == []
    Certificate.objects.filter(name=name).update(ends_at=NOW + timedelta(days=99), looked_at=NOW - timedelta(days=2))
    assert standing_of(name).standing.status == "unknown"
    [item] = certificates.attention(now=NOW)
    assert item.status == "unknown"


@pytest.mark.parametrize("content", [b"", b"no certificate", b"\x00" * 1000])
def test_a_file_that_is_none_costs_its_row_only(tmp_path: Path, settings: Any, no_kafka_over_tls: None, content: bytes):
    file = tmp_path / "ca.pem"
    file.write_bytes(content)
    settings.REDIS_URL = f"rediss://:{PASSWORD}@127.0.0.1:{refusing_port()}/0?ssl_ca_certs={file}"
    assert operations.look(now=NOW) == 2
    row = standing_of(f"redis authority {file}")
    assert (row.standing.status, bool(row.standing.sentence)) == ("unknown", True)


def test_of_authorities_in_one_file_the_last_to_end_counts(
    tmp_path: Path, authority: Authority, settings: Any, no_kafka_over_tls: None
):
    old = authority.sign("old", ends_at=NOW + timedelta(days=1))
    both = tmp_path / "both.pem"
    both.write_bytes(old.certificate.read_bytes() + authority.file.read_bytes())
    settings.REDIS_URL = f"rediss://127.0.0.1:{refusing_port()}/0?ssl_ca_certs={both}"
    operations.look(now=NOW)
    assert standing_of(f"redis authority {both}").standing.status == "ok"


def test_without_tls_there_is_nothing_to_look_at(settings: Any, no_kafka_over_tls: None):
    settings.REDIS_URL = "redis://127.0.0.1:9/0"
    tasks.look()
    assert certificates.check(now=NOW).found == "no server is spoken to over TLS"
