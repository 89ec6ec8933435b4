"""A start that cannot succeed says so in one sentence and leaves nothing running."""

from __future__ import annotations

import contextlib
import shutil
import socket
import sys
from pathlib import Path

import pytest

from reliability.embedded import bootstrap, stack
from reliability.embedded.output import Output
from reliability.embedded.refusal import Refusal
from tests.scenarios.setup.started import CHECKOUT, NO_NETWORK, environment, finished, marked

pytestmark = pytest.mark.scenario


def refused(folder: Path, **more: str) -> str:
    """Start a demo that must refuse; the sentence it ends with."""
    code, shown = finished([sys.executable, "-m", "reliability.embedded", "demo", str(folder)], env=environment(**more))
    assert code == 1, shown
    assert "Traceback" not in shown
    assert marked(folder) == []
    assert not (folder / "state.json").exists()
    return shown.strip().splitlines()[-1]


def test_a_port_that_is_taken(tmp_path: Path) -> None:
    with contextlib.closing(socket.socket()) as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        sentence = refused(tmp_path / "x", MAINSTAY_PORT=port)
    assert (
        sentence
        == f"make demo: Port {port} (MAINSTAY_PORT) is taken by another program: end that, or name another port."
    )


def test_a_folder_that_cannot_be_written() -> None:
    assert "cannot be written" in refused(Path("/proc/self/nowhere"))


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("DATABASE_URL", "localhost", "not an address that begins with postgresql://"),
        ("DATABASE_URL", "mysql://root@localhost/x", "not an address that begins with postgresql://"),
        ("DATABASE_URL", "postgresql://somebody:secret@127.0.0.1:9/x", "refused"),
        ("REDIS_URL", "localhost:6379", "not an address that begins with redis://"),
        ("REDIS_URL", "redis://127.0.0.1:9/0", "refused"),
        ("KAFKA_BOOTSTRAP_SERVERS", "localhost", "not a list of host:port"),
        ("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:9", "does not answer"),
    ],
)
def test_an_address_that_is_wrong(tmp_path: Path, name: str, value: str, problem: str) -> None:
    sentence = refused(tmp_path / "x", **{name: value})
    assert name in sentence
    assert problem in sentence
    assert "example:" in sentence
    assert "secret" not in sentence.partition("example:")[0]


def test_a_database_with_another_password(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://elsewhere")
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "elsewhere:9092")
    monkeypatch.delenv("DATABASE_URL", raising=False)
    with stack.running(tmp_path / "server", durable=False) as addresses:
        password = addresses.database_url.split(":")[2].partition("@")[0]
        sentence = refused(tmp_path / "x", DATABASE_URL=addresses.database_url.replace(password, "wrong"))
    stack.remove(tmp_path / "server")
    assert "password authentication failed" in sentence


def test_a_checkout_that_cannot_be_written() -> None:
    with pytest.raises(Refusal, match="cannot be written"):
        bootstrap.set_up(Path("/proc/self/nowhere"), output=Output(), with_chromium=False)


def test_a_first_set_up_without_network(tmp_path: Path) -> None:
    for name in ("uv.lock", "pyproject.toml", "package.json", "package-lock.json"):
        shutil.copy(CHECKOUT / name, tmp_path / name)
    for room in ("embedded", "kernel"):
        shutil.copytree(CHECKOUT / "reliability" / room, tmp_path / "reliability" / room)
    shutil.copy(CHECKOUT / "reliability" / "__init__.py", tmp_path / "reliability")
    empty = {"UV_CACHE_DIR": str(tmp_path / "uv"), "PIP_CACHE_DIR": str(tmp_path / "pip")}
    command = ["/bin/sh", "-c", f"cd {tmp_path} && exec {sys.executable} -m reliability.embedded.bootstrap"]
    code, shown = finished(command, env=environment(**NO_NETWORK, **empty), within_s=120)
    assert code == 1, shown
    assert "If this machine is not connected: set-up needs the Python index" in shown
    assert "Traceback" not in shown


def test_a_second_set_up_needs_neither_network_nor_a_home(tmp_path: Path) -> None:
    env = environment(**NO_NETWORK, HOME="/proc/self/no-home", PYTHON=sys.executable)
    code, shown = finished(["make", "setup"], env=env)
    assert code == 0, shown
    assert "set-up is complete" in shown
    assert "the home folder /proc/self/no-home cannot be written: caches go to" in shown
