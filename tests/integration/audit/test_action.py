"""An act and its entry: both or neither, and who may not is on record too."""

from __future__ import annotations

import pytest
from django.contrib.auth import get_user_model
from django.db import OperationalError, connection, connections, transaction

from reliability import audit
from reliability.access import ANONYMOUS, Denied, Role, UnknownAct, system_actor
from reliability.audit import queries
from reliability.audit.models import Entry
from reliability.kernel.errors import Refused
from reliability.kernel.telemetry import tracing
from tests.support.actors import actor

pytestmark = pytest.mark.django_db(transaction=True)


class GroupIsGone(Refused):
    """The group is gone."""

    code = "group-gone"


def do(**changes):
    values = {"actor": actor(), "target": "group:12", "reason": "a bug was fixed", "topics": ("orders.dlq",)}
    return audit.action("letters.replay", **(values | changes))


def make_user(name: str = "effect") -> None:
    get_user_model().objects.create(username=name)


def make_user_and_raise(error: Exception) -> None:
    make_user()
    raise error


def effects() -> int:
    return get_user_model().objects.count()


def test_an_act_and_its_entry_commit_together() -> None:
    with tracing.span("test"), do(facts={"rate": 5}) as entry:
        make_user()
        entry.facts["run"] = 7
        trace_id = tracing.current_trace_id()

    written = Entry.objects.get()
    assert effects() == 1
    assert (written.seq, written.act, written.outcome) == (1, "letters.replay", "done")
    assert (written.actor_kind, written.actor_name, written.actor_account) == ("user", "ana", "ana")
    assert (written.target, written.reason, written.topics) == ("group:12", "a bug was fixed", ["orders.dlq"])
    assert written.facts == {"rate": 5, "run": 7}
    assert written.trace_id == trace_id


def test_a_refused_act_leaves_its_entry_and_nothing_else() -> None:
    with pytest.raises(GroupIsGone), do():
        make_user_and_raise(GroupIsGone())

    written = Entry.objects.get()
    assert effects() == 0
    assert written.outcome == "refused"
    assert written.facts == {"code": "group-gone", "why": "The group is gone."}


def test_a_failed_act_leaves_its_entry_and_nothing_else() -> None:
    with pytest.raises(ZeroDivisionError), do():
        make_user_and_raise(ZeroDivisionError("by\x00zero"))

    written = Entry.objects.get()
    assert effects() == 0
    assert written.outcome == "failed"
    assert written.facts == {"error": "ZeroDivisionError", "why": "by␀zero"}


def test_an_act_the_database_refuses_is_on_record() -> None:
    make_user()

    with pytest.raises(Exception, match="unique"), do():
        make_user()

    assert Entry.objects.get().facts["error"] == "IntegrityError"


def test_a_viewer_does_not_get_into_the_block() -> None:
    reached = False
    with pytest.raises(Denied), do(actor=actor(Role.VIEWER)):
        reached = True

    assert not reached
    assert (Entry.objects.get().outcome, Entry.objects.get().facts["code"]) == ("refused", "denied")


def test_a_stranger_does_not_get_into_the_block() -> None:
    with pytest.raises(Denied), do(actor=ANONYMOUS):
        make_user()
    assert effects() == 0


def test_a_topic_out_of_scope_is_refused_before_and_inside() -> None:
    limited = actor(topics=("orders.*",))
    with pytest.raises(Denied), do(actor=limited, topics=("payments.dlq",)):
        make_user()
    with pytest.raises(Denied), do(actor=limited) as entry:
        entry.check_topics(["orders.b", "payments.dlq"])

    assert Entry.objects.first().topics == ["orders.b", "orders.dlq", "payments.dlq"]


@pytest.mark.parametrize("reason", ["", "  ", "\n\t"])
def test_an_act_that_must_be_justified_is_refused_without_a_reason(reason: str) -> None:
    with pytest.raises(audit.ReasonRequired, match="A reason is required"), do(reason=reason):
        make_user()

    assert effects() == 0
    assert Entry.objects.get().facts["code"] == "reason-required"


def test_an_act_that_need_not_be_justified_takes_no_reason() -> None:
    with audit.action("letters.replay_pause", actor=actor(), target="replay:1", topics=["a"]):
        pass
    assert Entry.objects.get().outcome == "done"


def test_a_megabyte_of_reason_is_refused_and_not_kept() -> None:
    with pytest.raises(audit.ReasonTooLong, match="has 1000000"), do(reason="x" * 1_000_000):
        make_user()

    assert effects() == 0
    assert len(Entry.objects.get().reason) == 2000


@pytest.mark.parametrize("reason", ["a\x00b", "a\ud800b"])
def test_a_reason_that_no_row_can_hold_is_refused_and_on_record(reason: str) -> None:
    with pytest.raises(audit.ReasonNotText), do(reason=reason):
        make_user()

    assert effects() == 0
    assert Entry.objects.get().outcome == "refused"


def test_hostile_text_is_kept_visible() -> None:
    with do(reason="a\u202e\u200b<b>", target="group:\x00" + "g" * 5000, topics=["t\x00", "x" * 400]):
        pass

    written = Entry.objects.get()
    assert written.reason == "a<U+202E><U+200B><b>"
    assert written.target.startswith("group:␀g")
    assert len(written.target) == 300
    assert queries.verify().broken is None


def test_an_act_nobody_listed_runs_for_nobody() -> None:
    with pytest.raises(UnknownAct), audit.action("letters.destroy", actor=system_actor("x"), target="1"):
        make_user()
    assert effects() == 0


def test_an_act_inside_an_act_is_refused() -> None:
    with pytest.raises(RuntimeError, match="durable"), do(), do(target="inner"):
        make_user()

    assert effects() == 0
    assert [entry.target for entry in Entry.objects.all()] == ["group:12"]


def test_an_act_inside_another_transaction_is_refused() -> None:
    with pytest.raises(RuntimeError, match="durable"), transaction.atomic(), do():
        make_user()

    assert effects() == 0
    assert not Entry.objects.exists()


def test_when_the_entry_cannot_be_written_the_act_does_not_happen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Entry, "save", lambda self, **options: connection.cursor().execute("select 1/0"))

    with pytest.raises(Exception, match="division by zero"), do():
        make_user()

    assert effects() == 0


@pytest.mark.parametrize(
    "statement",
    [
        "update {table} set reason = 'x'",
        "update {table} set reason = 'x' where false",
        "delete from {table}",
        "truncate {table}",
        "truncate {table} cascade",
        "insert into {table} select * from {table} on conflict (seq) do update set reason = 'x'",
    ],
)
def test_the_database_itself_refuses_to_change_an_entry(statement: str) -> None:
    with do():
        pass

    for preamble in ("", "set local session_replication_role = replica; "):
        with pytest.raises(Exception, match="append-only"), transaction.atomic():
            connection.cursor().execute(preamble + statement.format(table=Entry._meta.db_table))
    assert Entry.objects.get().reason == "a bug was fixed"


def test_acts_are_counted() -> None:
    from reliability.kernel.telemetry import metrics

    def count(outcome: str) -> bytes:
        wanted = f'mainstay_acts_total{{act="letters.replay",outcome="{outcome}"}}'.encode()
        lines = metrics.exposition(lambda: []).splitlines()
        return next((line.split()[-1] for line in lines if line.startswith(wanted)), b"0.0")

    before = float(count("done")), float(count("refused"))
    with do():
        pass
    with pytest.raises(audit.ReasonRequired), do(reason=""):
        pass

    assert (float(count("done")), float(count("refused"))) == (before[0] + 1, before[1] + 1)


def test_live_pages_hear_of_it_after_the_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[str] = []
    monkeypatch.setattr("reliability.live.changed", heard.append)
    with do():
        assert heard == []

    assert heard == ["activity"]


def test_what_a_block_notes_as_not_done_stays_with_an_entry_that_says_so() -> None:
    with do() as entry:
        make_user()
        entry.not_done(GroupIsGone())

    assert effects() == 1
    assert (Entry.objects.get().outcome, Entry.objects.get().facts["code"]) == ("refused", "group-gone")


def test_what_is_left_alone_is_rolled_back_and_leaves_no_entry() -> None:
    with pytest.raises(audit.LeftAlone), do():
        make_user_and_raise(audit.LeftAlone())

    assert effects() == 0
    assert Entry.objects.count() == 0


@pytest.mark.parametrize("arrived", [True, False])
def test_a_commit_whose_answer_was_lost_is_told_as_what_became_of_it(
    monkeypatch: pytest.MonkeyPatch, arrived: bool
) -> None:
    """Nobody is told "failed" of what was done: they would do it again."""
    wrapper = type(connections["default"])
    commit = wrapper.commit

    def loses_its_answer(self: object) -> None:
        monkeypatch.setattr(wrapper, "commit", commit)
        if arrived:
            commit(self)
        else:
            connection.rollback()
        raise OperationalError("server closed the connection unexpectedly")

    def loses_it() -> None:
        make_user()
        monkeypatch.setattr(wrapper, "commit", loses_its_answer)

    with pytest.raises(OperationalError), do():
        loses_it()
    assert effects() == int(arrived)
    assert [entry.outcome for entry in Entry.objects.order_by("seq")] == ["done" if arrived else "failed"]
