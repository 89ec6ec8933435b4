"""Ports, accounts, caches, certificates, locks: what set-up chooses from what it finds."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from reliability.embedded import account, bootstrap, certificates, chromium, demo, maven, output, ports, postgres
from reliability.embedded.account import Account
from reliability.embedded.refusal import Refusal

SOMEBODY = Account(name="somebody", uid=54321, gid=54321)


@pytest.fixture
def taken() -> Iterator[int]:
    with contextlib.closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_a_kept_port_is_taken_again_when_it_is_free_and_not_when_it_is_taken(taken: int) -> None:
    free = ports.any_free()
    assert ports.choose(None, free) == free
    assert ports.choose(taken, free) == free
    assert ports.choose(taken) not in (taken, None)


def test_the_console_s_port_is_the_named_one_or_a_refusal(taken: int) -> None:
    free = ports.any_free()
    assert demo.choose_port(str(free), kept=None) == free
    with pytest.raises(Refusal, match=f"Port {taken} .* is taken"):
        demo.choose_port(str(taken), kept=None)
    for wrong in ("http", "0", "70000", ""):
        with pytest.raises(Refusal, match="not a port"):
            demo.choose_port(wrong, kept=None)


def test_without_a_named_port_that_of_the_last_run_comes_first(taken: int) -> None:
    free = ports.any_free()
    assert demo.choose_port(None, kept=free) == free
    assert demo.choose_port(None, kept=taken) != taken


def test_an_ordinary_user_keeps_the_own_account(monkeypatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert account.without_root() is None


def test_root_gets_the_first_account_that_exists_and_is_never_given_a_new_one(monkeypatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    chosen = account.without_root(candidates=("no-such-account", "root", "nobody"))
    assert chosen is not None
    assert chosen.name == "nobody"
    with pytest.raises(Refusal, match="ordinary user"):
        account.without_root(candidates=("no-such-account", "root"))


def test_an_account_reaches_a_folder_only_through_open_folders(tmp_path: Path) -> None:
    for folder in (tmp_path, *tmp_path.parents):
        if not account.can_reach(SOMEBODY, folder):
            break
    else:
        inner = tmp_path / "inner"
        inner.mkdir(mode=0o755)
        assert account.can_reach(SOMEBODY, inner)
    closed = tmp_path / "closed"
    (closed / "inner").mkdir(parents=True)
    closed.chmod(0o700)
    assert not account.can_reach(SOMEBODY, closed / "inner")
    assert account.can_reach(SOMEBODY, Path("/"))


def test_the_folder_outside_is_the_same_for_the_same_checkout_and_another_for_another(tmp_path: Path) -> None:
    assert postgres.outside_path(tmp_path) == postgres.outside_path(tmp_path / "x" / "..")
    assert postgres.outside_path(tmp_path) != postgres.outside_path(tmp_path / "x")


def test_caches_go_elsewhere_only_when_they_cannot_be_written(tmp_path: Path) -> None:
    assert bootstrap.other_caches(home=tmp_path, environment={}, fallback=tmp_path / "own") == {}
    nowhere = Path("/proc/self/no-home")
    others = bootstrap.other_caches(home=nowhere, environment={"PIP_CACHE_DIR": "/mine"}, fallback=tmp_path / "own")
    assert others == {"UV_CACHE_DIR": str(tmp_path / "own" / "uv"), "npm_config_cache": str(tmp_path / "own" / "npm")}


@pytest.mark.parametrize(("began", "ago_s"), [("1000", 5.5), ("", 0), ("soon", 0), ("1006", 0), ("²", 0), ("-3", 0)])
def test_the_demo_counts_on_from_where_set_up_began(began: str, ago_s: float) -> None:
    assert output.began_ago_s({output.BEGAN: began}, now_s=1005.5) == ago_s
    assert output.began_ago_s({}, now_s=1005.5) == output.began_ago_s({output.BEGAN: "1000"}, now_s=99_999) == 0


def test_every_client_trusts_what_one_of_them_was_told_to(tmp_path: Path) -> None:
    system = tmp_path / "bundle.crt"
    assert certificates.variables({}, system=[system]) == {}
    system.touch()
    assert set(certificates.variables({}, system=[system]).values()) == {str(system)}
    told = certificates.variables({"PIP_CERT": "/mine.crt"}, system=[system])
    assert told == {name: "/mine.crt" for name in certificates.VARIABLES if name != "PIP_CERT"}


def test_a_named_chromium_that_is_none_is_refused(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MAINSTAY_CHROMIUM", str(tmp_path / "none"))
    with pytest.raises(Refusal, match="not a program"):
        chromium.find()


def test_playwright_s_own_chromium_is_found(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.delenv("MAINSTAY_CHROMIUM", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path))
    assert chromium.find() is None
    program = tmp_path / "chromium-1234" / "chrome-linux" / "chrome"
    program.parent.mkdir(parents=True)
    program.touch()
    assert chromium.find() == program


def test_the_lock_of_kafka_names_every_jar_once_with_a_digest() -> None:
    jars = maven.read_lock()
    assert maven.KAFKA in {jar.coordinate for jar in jars}
    assert len({(jar.group, jar.artifact) for jar in jars}) == len(jars) > 40
    assert all(len(jar.sha256) == 64 for jar in jars)


def test_a_named_maven_repository_is_the_only_one(monkeypatch) -> None:
    monkeypatch.setenv("MAINSTAY_MAVEN_REPOSITORY", "https://maven.example/all/")
    assert maven.repositories() == {"named": "https://maven.example/all"}


def test_a_port_of_ours_is_none_that_a_connection_may_take() -> None:
    """Else it is gone before the server listens, or while it is away for a moment."""
    assert all(ports.any_free() in ports.SERVERS for _ in range(50))


def test_a_crowded_range_is_left(taken: int) -> None:
    assert ports.any_free(within=range(taken, taken + 1)) != taken
