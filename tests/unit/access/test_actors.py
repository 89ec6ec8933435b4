"""How those who acted are told to people."""

from __future__ import annotations

import pytest

from reliability.access.domain import actors
from reliability.access.domain.actors import Actor
from reliability.access.domain.roles import Role


@pytest.mark.parametrize(
    ("kind", "name", "account", "words"),
    [
        ("user", "ana", "ana", "ana"),
        ("cli", "cli:root", "ana", "ana, by command line as root"),
        ("cli", "cli:root", "", "root, on the host"),
        ("token", "ana/nightly", "ana", "ana, with the token nightly"),
        ("policy", "retry-timeouts", "", "retry-timeouts, policy"),
        ("system", "system", "", "system"),
    ],
)
def test_the_person_comes_first_and_the_way_behind(kind: str, name: str, account: str, words: str) -> None:
    assert actors.told(kind=kind, name=name, account=account).in_words == words


def test_what_is_kept_of_a_command_names_its_person_and_everything_else_keeps_its_name() -> None:
    assert Actor(kind="cli", name="cli:root", role=Role.ADMIN, account="ana").shown == "ana, by command line as root"
    assert Actor(kind="token", name="ana/nightly", role=Role.ADMIN, account="ana").shown == "ana/nightly"
    assert Actor(kind="user", name="ana", role=Role.ADMIN, account="ana").shown == "ana"
