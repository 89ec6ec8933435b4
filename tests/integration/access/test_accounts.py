"""Accounts are made by commands, and every making is on record."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from django.contrib.auth import authenticate, get_user_model
from django.core.management import CommandError, call_command

from reliability.access import Role, operations, queries
from reliability.access.models import Account
from reliability.audit.models import Entry
from tests.support.actors import PASSWORD, account

pytestmark = pytest.mark.django_db


def create(monkeypatch: pytest.MonkeyPatch, *words: str, password: str = PASSWORD) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(password + "\n"))
    call_command("create_account", "--username", "ana", "--role", "operator", "--password-stdin", *words)


def test_the_command_makes_an_account(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    create(monkeypatch, "--topics", "orders*")

    made = Account.objects.get()
    assert authenticate(username="ana", password=PASSWORD) == made.user
    assert (made.role, made.topic_scopes) == ("operator", ["orders*"])
    assert PASSWORD not in capsys.readouterr().out


def test_making_an_account_is_on_record_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    create(monkeypatch)

    entry = Entry.objects.get()
    assert (entry.act, entry.target, entry.outcome) == ("accounts.manage", "account:ana", "done")
    assert entry.actor_name.startswith("cli:")
    assert PASSWORD not in repr(vars(entry))


def test_an_account_is_not_overwritten_unasked(monkeypatch: pytest.MonkeyPatch) -> None:
    create(monkeypatch)

    with pytest.raises(CommandError, match="already an account"):
        create(monkeypatch)
    assert Entry.objects.filter(outcome="refused").count() == 1


def test_update_changes_role_and_password_and_enables(monkeypatch: pytest.MonkeyPatch) -> None:
    old = account(Role.VIEWER)
    old.user.is_active = False
    old.user.save()

    create(monkeypatch, "--update")

    old.refresh_from_db()
    assert old.role == "operator"
    assert authenticate(username="ana", password=PASSWORD) == old.user


def test_the_password_may_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "password").write_text(PASSWORD + "\n")

    call_command(
        "create_account", "--username", "ana", "--role", "viewer", "--password-file", str(tmp_path / "password")
    )

    assert authenticate(username="ana", password=PASSWORD) is not None


def test_a_password_file_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("create_account", "--username", "a", "--role", "viewer", "--password-file", str(tmp_path / "none"))


def test_without_a_terminal_it_says_where_a_password_may_come_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(""))

    with pytest.raises(CommandError, match="--password-stdin"):
        call_command("create_account", "--username", "ana", "--role", "viewer")


@pytest.mark.parametrize("password", ["", "short", "password1234", " " * 3])
def test_a_weak_password_makes_no_account(monkeypatch: pytest.MonkeyPatch, password: str) -> None:
    with pytest.raises(CommandError):
        create(monkeypatch, password=password)
    assert not get_user_model().objects.exists()


@pytest.mark.parametrize("username", ["", "a b", "a\x00b", "a" * 151, "<b>"])
def test_a_username_that_is_none_is_refused(username: str) -> None:
    with pytest.raises(operations.BadAccount):
        operations.create_account(username=username, password=PASSWORD, role=Role.VIEWER)


def test_a_bad_scope_makes_no_account(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CommandError, match="topic scope"):
        create(monkeypatch, "--topics", "a|b")
    assert not get_user_model().objects.exists()


def test_a_token_is_printed_once_and_alone(capsys: pytest.CaptureFixture[str]) -> None:
    account()
    call_command("create_token", "--username", "ana", "--name", "ci", "--role", "viewer", "--days", "3")

    printed = capsys.readouterr().out.strip()
    assert printed.startswith("mst_")
    entry = Entry.objects.get()
    assert (entry.act, entry.target) == ("tokens.manage", "token:ana/ci")
    assert printed not in repr(vars(entry))
    assert entry.facts["starts"] == printed[:10]


def test_a_token_for_nobody_is_a_sentence() -> None:
    with pytest.raises(CommandError, match="no active account named 'bo'"):
        call_command("create_token", "--username", "bo", "--name", "ci")


def test_the_command_line_acts_with_the_rights_of_the_account_it_names() -> None:
    account(Role.VIEWER, topics=("a*",))
    actor = queries.cli_actor("ana")

    assert (actor.kind, actor.account, actor.role) == ("cli", "ana", Role.VIEWER)
    assert actor.name.startswith("cli:")
    assert not actor.scopes.allows("b")


def test_the_command_line_cannot_borrow_a_disabled_account() -> None:
    mine = account()
    mine.user.is_active = False
    mine.user.save()

    with pytest.raises(queries.NoSuchAccount):
        queries.cli_actor("ana")
