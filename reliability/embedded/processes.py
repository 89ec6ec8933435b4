"""The processes of a running demo, in the order they are started."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from reliability.embedded import ports
from reliability.embedded.child import Child
from reliability.embedded.folder import Folder

CHECKOUT = Path(__file__).parents[2]
WEB = "web"
# Sockets of open pages are closed by the server after this time; without it an open page would hold up the end.
WEB_DRAINS_WITHIN_S = 3


def web(folder: Folder, *, port: int, env: Mapping[str, str]) -> Child:
    """The console."""
    options = ["--host", ports.LOOPBACK, "--port", str(port), "--no-access-log"]
    options += ["--timeout-graceful-shutdown", str(WEB_DRAINS_WITHIN_S)]
    return _python(folder, WEB, ["-m", "uvicorn", "reliability.asgi:application", *options], env)


def behind(folder: Folder, *, env: Mapping[str, str]) -> list[Child]:
    """Everything that works behind the console: one Celery worker per bulkhead, the ticks, the consumers."""
    return [
        _worker(folder, "relay", queues="relay", concurrency=1, env=env),
        _worker(folder, "standard", queues="critical,standard", concurrency=4, env=env),
        _worker(folder, "bulk", queues="bulk", concurrency=2, env=env),
        # The schedule is a matter of seconds: nothing of it needs to be remembered in a file.
        _python(folder, "beat", [*_celery("beat"), "--scheduler", "celery.beat:Scheduler", "--pidfile="], env),
        _python(folder, "letters", ["manage.py", "consume_dead_letters"], env),
        _python(folder, "lag", ["manage.py", "poll_lag"], env),
        # Its services are threads of one process, each with connections of its own.
        _python(folder, "demo", ["manage.py", "run_demo"], {"MAINSTAY_DATABASE_POOL_MAX": "20", **env}),
    ]


def _worker(folder: Folder, name: str, *, queues: str, concurrency: int, env: Mapping[str, str]) -> Child:
    options = ["--queues", queues, "--pool", "threads", "--concurrency", str(concurrency), "--hostname", f"{name}@%h"]
    # Workers need to know nothing of each other: the truth is in PostgreSQL.
    options += ["--without-gossip", "--without-mingle", "--without-heartbeat"]
    return _python(folder, f"worker-{name}", [*_celery("worker"), *options], env)


def _celery(command: str) -> list[str]:
    return ["-m", "celery", "--app", "reliability.celery", "--quiet", command]


def _python(folder: Folder, name: str, arguments: list[str], env: Mapping[str, str]) -> Child:
    return Child(
        name=name,
        argv=[sys.executable, *arguments],
        log=folder.logs / f"{name}.log",
        env=env,
        cwd=CHECKOUT,
        stop_within_s=10.0,
    )
