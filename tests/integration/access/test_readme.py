"""What the README says of who may come in, word for word."""

from __future__ import annotations

import shlex
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.core.management import get_commands
from django.test import Client

from reliability import environment
from reliability.access import Role, operations
from reliability.kernel.clock import SYSTEM
from tests.support import actors, readme

TITLE = "Who may come in"
PROVIDER, MACHINES = readme.blocks(TITLE)


def test_its_provider_is_taken_as_it_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "oidc").write_text("a secret of the provider\n")
    servers = {"DATABASE_URL": "postgresql://h/x", "REDIS_URL": "redis://h", "KAFKA_BOOTSTRAP_SERVERS": "h:9092"}
    for line in PROVIDER.strip().splitlines():
        (said,) = shlex.split(line, comments=True)
        name, _, value = said.partition("=")
        monkeypatch.setenv(name, value.replace("/run/secrets", str(tmp_path)))
    for name, value in {**servers, "MAINSTAY_SECRET_KEY": "x" * 64}.items():
        monkeypatch.setenv(name, value)
    found = environment.load()
    assert found.MAINSTAY_OIDC_ISSUER == "https://login.example/realms/main"
    assert found.MAINSTAY_OIDC_CLIENT_SECRET == "a secret of the provider"
    assert found.MAINSTAY_OIDC_ROLES == {
        "admin": ["platform-leads"],
        "operator": ["platform", "oncall"],
        "viewer": ["engineering"],
    }


@pytest.mark.django_db
def test_a_machine_gets_its_pair_and_the_next() -> None:
    secret = operations.issue_token(
        account=actors.account(Role.VIEWER), name="ci", life=timedelta(days=1), now=SYSTEM.now()
    ).secret
    for line, begins in zip(MACHINES.strip().splitlines(), ("mst_", "msr_"), strict=True):
        words = shlex.split(line, comments=True)
        method, header, address = words[2], words[4], words[5]
        assert (words[0], method) == ("curl", "POST")
        name, _, value = header.partition(": ")
        assert value == f"Bearer {begins}…"
        answer = Client().post(urlsplit(address).path, headers={name: value.replace(f"{begins}…", secret)})
        assert answer.status_code in (200, 201), answer.content
        pair = answer.json()
        assert pair["access_token"]
        secret = pair["refresh_token"]
    assert secret.startswith("msr_")


def test_the_commands_that_help_who_lost_access_are_there() -> None:
    help_said = readme.section(TITLE).partition("Lost access is helped from the host:")[2].partition(". `MAIN")[0]
    named = [word.split()[0] for word in help_said.split("`")[1::2]]
    assert named == ["create_account", "reset_second_factor", "end_sessions", "tokens"]
    assert set(named) <= set(get_commands())
