"""Redis servers of a test's own: one, a master with a replica behind sentinels, and a cluster."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import redis
from redis.crc import REDIS_CLUSTER_HASH_SLOTS

from reliability.embedded import ports
from reliability.embedded.child import Child
from reliability.embedded.folder import clean_environment
from reliability.embedded.redis import find_binary
from reliability.embedded.stack import ROOT
from tests.support.waiting import wait_until

PASSWORD = "cache-Secret_21"
MASTER = "mymaster"


class Server:
    """One process of ``redis-server``."""

    def __init__(self, folder: Path, *lines: str, port: int = 0, sentinel: bool = False) -> None:
        self.port = port or ports.any_free()
        folder.mkdir(parents=True, exist_ok=True)
        configuration = folder / f"{self.port}.conf"
        given = (f"bind {ports.LOOPBACK}", f"port {self.port}", f'dir "{folder}"', "daemonize no", *lines)
        quiet = () if sentinel else ('save ""', "appendonly no")
        configuration.write_text("\n".join((*given, *quiet)) + "\n")
        binary = find_binary(unpacked_under=ROOT)
        assert binary is not None
        self._child = Child(
            name=f"redis-{self.port}",
            argv=[str(binary), str(configuration), *(("--sentinel",) if sentinel else ())],
            log=folder / f"{self.port}.log",
            env=clean_environment(),
        )
        self.password = "" if sentinel else PASSWORD

    def start(self) -> None:
        """Start, and wait until it answers."""
        self._child.start()
        wait_until(self.answers, within_s=10, what="redis answers")

    def kill(self) -> None:
        """kill -9."""
        self._child.kill()

    def stop(self) -> None:
        """Stop."""
        self._child.stop()

    def client(self) -> Any:
        """A client that has time."""
        return redis.Redis(
            host=ports.LOOPBACK, port=self.port, password=self.password or None, decode_responses=True, socket_timeout=5
        )

    def answers(self) -> bool:
        """Whether it answers."""
        try:
            return bool(self.client().ping())
        except redis.RedisError:
            return False


class Watched:
    """A master, a replica, and three sentinels that watch them."""

    def __init__(self, folder: Path) -> None:
        login = (f"requirepass {PASSWORD}", f"masterauth {PASSWORD}")
        self.master = Server(folder / "master", *login)
        self.replica = Server(folder / "replica", *login, f"replicaof {ports.LOOPBACK} {self.master.port}")
        self.sentinels = [
            Server(
                folder / f"sentinel-{number}",
                f"sentinel monitor {MASTER} {ports.LOOPBACK} {self.master.port} 2",
                f"sentinel auth-pass {MASTER} {PASSWORD}",
                f"sentinel down-after-milliseconds {MASTER} 1000",
                f"sentinel failover-timeout {MASTER} 3000",
                sentinel=True,
            )
            for number in range(3)
        ]

    @property
    def url(self) -> str:
        """The address that names the sentinels."""
        nodes = ",".join(f"{ports.LOOPBACK}:{each.port}" for each in self.sentinels)
        return f"redis+sentinel://:{PASSWORD}@{nodes}/{MASTER}/0"

    def is_ready(self) -> bool:
        """Whether the replica follows, and all sentinels know each other and it."""
        if "master_link_status:up" not in str(self.replica.client().execute_command("INFO", "replication")).replace(
            "'master_link_status': 'up'", "master_link_status:up"
        ):
            return False
        known = [each.client().execute_command("SENTINEL", "MASTERS") for each in self.sentinels]
        return all(int(_of(each)["num-other-sentinels"]) == 2 and int(_of(each)["num-slaves"]) == 1 for each in known)


def _of(masters: Any) -> Any:
    [[_, fields]] = masters.items() if isinstance(masters, dict) else [("", masters[0])]
    return fields if isinstance(fields, dict) else dict(zip(fields[::2], fields[1::2], strict=True))


@contextmanager
def watched(folder: Path) -> Iterator[Watched]:
    """Such servers, started and ready."""
    made = Watched(folder)
    with ExitStack() as stack:
        for server in (made.master, made.replica, *made.sentinels):
            stack.callback(server.stop)
            server.start()
        wait_until(made.is_ready, within_s=20, what="the sentinels know each other")
        yield made


def _with_bus() -> int:
    """A free port of which that of the cluster's bus, 10,000 higher, is free too."""
    found = (ports.any_free(within=range(10_000, 22_000)) for _ in range(100))
    return next(port for port in found if ports.is_free(port + 10_000))


@contextmanager
def cluster(folder: Path, *, count: int = 3) -> Iterator[list[Server]]:
    """A cluster of masters, each with a share of the slots."""
    lines = (
        f"requirepass {PASSWORD}",
        f"masterauth {PASSWORD}",
        "cluster-enabled yes",
        "cluster-node-timeout 2000",
        "cluster-require-full-coverage no",
    )
    servers = []
    for number in range(count):
        servers.append(Server(folder / f"node-{number}", *lines, port=_with_bus()))
    with ExitStack() as stack:
        for server in servers:
            stack.callback(server.stop)
            server.start()
        share = REDIS_CLUSTER_HASH_SLOTS // count
        for number, server in enumerate(servers):
            last = REDIS_CLUSTER_HASH_SLOTS if number == count - 1 else (number + 1) * share
            server.client().execute_command("CLUSTER", "ADDSLOTS", *range(number * share, last))
            server.client().execute_command("CLUSTER", "MEET", ports.LOOPBACK, servers[0].port)
        wait_until(lambda: all(_is_whole(each, count) for each in servers), within_s=20, what="the cluster is whole")
        yield servers


def _is_whole(server: Server, count: int) -> bool:
    info = server.client().execute_command("CLUSTER", "INFO")
    found = info if isinstance(info, dict) else dict(line.split(":") for line in str(info).split() if ":" in line)
    return found["cluster_state"] == "ok" and int(found["cluster_known_nodes"]) == count


def cluster_url(servers: list[Server]) -> str:
    """The address of a cluster."""
    nodes = ",".join(f"{ports.LOOPBACK}:{each.port}" for each in servers)
    return f"redis+cluster://:{PASSWORD}@{nodes}"
