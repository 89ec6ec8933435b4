"""A reconciliation said by a file: the README's is true word for word, and a wrong one stops the start."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from pytest_django import Settings

from outbox.models import Event
from sagas import reconciliations
from sagas.apps import _read_declared
from sagas.domain.reconciling.definition import WrongReconciliation
from sagas.models import Comparison, Finding
from sagas.operations.reconciling import repairing
from sagas.reconciler import declared, turns
from tests.support import actors, outbox
from tests.support.database import url
from tests.support.http_side import Server, serving

pytestmark = pytest.mark.django_db(transaction=True)
README = (Path(__file__).parents[4] / "README.md").read_text(encoding="utf-8")
SAID = re.findall(r"```toml\n(.*?)```", README.partition("MAINSTAY_RECONCILIATIONS")[2], re.DOTALL)[0]
NAME = "invoices_against_ledger"


@pytest.fixture
def ledger() -> Iterator[Server]:
    booked = {"i-1": 700, "i-3": 10}
    with serving(
        lambda query: {"items": [{"invoice": key, "cents": booked[key]} for key in query["invoice"] if key in booked]}
    ) as server:
        yield server


@pytest.fixture
def environment() -> Iterator[dict[str, str]]:
    outbox.empty()
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE invoice (number text, state text, cents int)")
        cursor.execute("INSERT INTO invoice VALUES ('i-1','sent',700), ('i-2','issued',5), ('i-3','sent',1000)")
    yield {"INVOICES_DATABASE_URL": url(), "LEDGER_TOKEN": "secret-of-the-ledger"}
    reconciliations.forget(NAME)
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE invoice")


def written(folder: Path, said: str) -> Path:
    path = folder / "reconciliations.toml"
    path.write_text(said, encoding="utf-8")
    return path


def test_the_readme_s_file_compares_and_repairs(ledger: Server, environment: dict[str, str], tmp_path: Path) -> None:
    said = SAID.replace("https://ledger.example/entries", ledger.url).replace("grace_s = 600", "grace_s = 0")
    (defined,) = declared.read(written(tmp_path, said), environment=environment)
    assert turns.compare(defined, stop=lambda: False, at_once=True)
    assert {header["Authorization"] for header in ledger.headers} == {"Bearer secret-of-the-ledger"}
    found = {each.key: each for each in Finding.objects.filter(version__gt=0)}
    assert {key: (each.difference, each.why) for key, each in found.items()} == {
        "i-2": ("not_booked", "i-2 is issued over 5 cents, and the ledger has nothing."),
        "i-3": ("other_amount", "i-3 is issued over 1000 cents and booked over 10."),
    }
    operator = actors.actor()
    look = repairing.look(found["i-2"].id, actor=operator)
    assert look.proposal is not None
    assert [(check.title, check.after) for check in look.proposal.checks] == [
        ("An invoice is booked at most once.", True)
    ]
    repairing.apply(
        found["i-2"].id, repair="book_again", plan_hash=look.proposal.hash, actor=operator, reason="as the README says"
    )
    sent = Event.objects.get()
    assert (sent.topic, bytes(sent.key or b""), sent.event_type) == ("ledger.asked", b"i-2", "invoice.issued")
    assert bytes(sent.value or b"") == b'{"invoice":"i-2","cents":5}'


def test_a_secret_is_read_from_a_file_and_a_missing_one_is_said(
    ledger: Server, environment: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "token").write_text("from-a-file\n")
    del environment["LEDGER_TOKEN"]
    environment["LEDGER_TOKEN_FILE"] = str(tmp_path / "token")
    said = SAID.replace("https://ledger.example/entries", ledger.url)
    (defined,) = declared.read(written(tmp_path, said), environment=environment)
    assert not defined.seen.lookup(["i-1"]).unread
    assert ledger.headers[-1]["Authorization"] == "Bearer from-a-file"
    del environment["LEDGER_TOKEN_FILE"]
    assert defined.seen.lookup(["i-1"]).unread == {"i-1": "ledger: neither LEDGER_TOKEN nor LEDGER_TOKEN_FILE is set"}
    del environment["INVOICES_DATABASE_URL"]
    assert "neither INVOICES_DATABASE_URL" in defined.expected.lookup(["i-1"]).unread["i-1"]


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("[[reconciliation]]", "[[reconciliation]", "cannot be read"),
        ("every_s = 300", "every = 300", "reconciliation.0.every: Extra inputs are not permitted"),
        ("every_s = 300", "every_s = 0", "every_s"),
        ('when = { differ = ["cents"] }', "when = { }", "a condition without any is always true"),
        ('seen = "nothing"', 'seen = "nothin"', "seen"),
        ('state = ["issued", "sent"]', "state = []", "state is a text, a number"),
        ('state = ["issued", "sent"]', 'state = "{seen.state}"', "a condition has no places to fill"),
        ("every_s = 300", "every_s = inf", "every_s"),
        ("{expected.cents} cents, and", "{expectd.cents} cents, and", "braces that are none of"),
        ('becomes = { seen = [{ cents = "{expected.cents}" }] }', "", "becomes: Field required"),
        ('topic = "ledger.asked"', 'topic = "{key}"', "topic"),
        ('type = "invoice.issued"', 'type = "{key}"', "type"),
        ('name = "not_booked"', 'name = "Not booked"', "is no name"),
        ('name = "other_amount"', 'name = "not_booked"', "given twice"),
        ("postgres = {", 'http = { url = "http://x", key = "k", parameter = "k" }\npostgres = {', "either postgres or"),
    ],
)
def test_what_is_wrong_is_refused_with_its_place(
    before: str, after: str, told: str, tmp_path: Path, settings: Settings
) -> None:
    assert before in SAID
    path = written(tmp_path, SAID.replace(before, after, 1))
    with pytest.raises(WrongReconciliation, match=re.escape(told)) as refused:
        declared.read(path)
    assert str(path) in str(refused.value)
    assert reconciliations.find(NAME) is None
    settings.SAGAS_RECONCILIATIONS = str(path)
    with pytest.raises(SystemExit, match=re.escape(told)):
        _read_declared()


@pytest.mark.parametrize("content", [None, b"\xff\xfe", b""])
def test_a_file_that_is_not_there_or_no_text_or_empty_is_refused(content: Any, tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(WrongReconciliation, match=r"x\.toml"):
        declared.read(path)


def test_a_key_that_is_empty_is_no_repair(ledger: Server, environment: dict[str, str], tmp_path: Path) -> None:
    said = SAID.replace("https://ledger.example/entries", ledger.url).replace("grace_s = 600", "grace_s = 0")
    said = said.replace("send = { topic", 'send = { key = "{seen.cents}", topic')
    (defined,) = declared.read(written(tmp_path, said), environment=environment)
    assert turns.compare(defined, stop=lambda: False, at_once=True)
    look = repairing.look(Finding.objects.get(key="i-2").id, actor=actors.actor())
    assert look.proposal is None
    assert "the key '{seen.cents}' is empty for i-2" in look.refusal


def test_a_field_that_is_misspelled_is_told_as_not_judged(
    ledger: Server, environment: dict[str, str], tmp_path: Path
) -> None:
    said = SAID.replace("https://ledger.example/entries", ledger.url).replace("state = [", "stat = [")
    (defined,) = declared.read(written(tmp_path, said), environment=environment)
    assert turns.compare(defined, stop=lambda: False, at_once=True)
    newest = Comparison.objects.latest("id")
    assert newest.unjudged == 3
    assert "there is no field 'stat'; there are cents, state" in newest.error
