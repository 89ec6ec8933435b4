"""The commands that the pages give to copy: each does what the button beside it does, to the letters shown."""

from __future__ import annotations

import html
import re
import shlex
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from dlq.domain.scope import Scope
from dlq.models import Discard, Letter, LetterGroup, Replay, ReplayPlan
from dlq.operations import plans
from reliability.access import Role
from reliability.kernel import clock
from tests.support.actors import account
from tests.support.replays import World


@pytest.fixture
def client() -> Client:
    client = Client()
    client.force_login(account(Role.OPERATOR, name="bo").user)
    return client


def copied(page: str, *, name: str) -> list[str]:
    """The words after ``manage.py`` of a command that a page gives."""
    found = re.search(rf'<span class="label">command line: {name}</span><div class="copy"><pre>(.*?)</pre>', page)
    assert found, f"no command line: {name}"
    words = shlex.split(html.unescape(found[1]))
    return words[words.index("letters") :]


def typed(*words: str) -> tuple[str, str]:
    """What the command answers, and what it says aside."""
    out, beside = StringIO(), StringIO()
    call_command(*words, stdout=out, stderr=beside)
    return out.getvalue(), beside.getvalue()


def drawn(world: World, letters: list[Letter], *, rate: float = 7) -> ReplayPlan:
    scope = Scope(group=letters[0].group_id)
    return plans.draw(scope=scope, terms=plans.terms(rate=rate), actor=world.operator, now=clock.SYSTEM.now())


def plan_page(client: Client, plan: ReplayPlan) -> str:
    return client.get(f"/replays/plans/{plan.pk}/").content.decode()


def discard_page(client: Client) -> str:
    return client.get("/discards/new/", {"group": LetterGroup.objects.get().pk}).content.decode()


def test_the_command_of_a_discard_gives_up_the_letters_that_were_counted(world: World, client: Client) -> None:
    counted = world.letters(3)
    words = copied(discard_page(client), name="discard")
    world.letters(2, start=10)
    typed(*words)
    assert Discard.objects.get().count == 3
    assert set(Letter.objects.filter(state="discarded")) == set(counted)


def test_the_command_of_a_discard_is_refused_when_there_are_not_as_many_any_more(world: World, client: Client) -> None:
    counted = world.letters(3)
    words = copied(discard_page(client), name="discard")
    world.approve(counted[0])
    with pytest.raises(CommandError, match="has 2 letters to discard now, not 3"):
        typed(*words)
    assert not Discard.objects.exists()


def test_the_command_of_a_plan_approves_that_plan_and_draws_none(world: World, client: Client) -> None:
    letters = world.letters(3)
    plan = drawn(world, letters)
    words = copied(plan_page(client, plan), name="approve this plan")
    world.letters(2, start=10)
    typed(*words)
    run = Replay.objects.get()
    assert (run.plan_id, run.total, run.rate) == (plan.pk, 3, 7)
    assert ReplayPlan.objects.count() == 1
    assert "approved before, by bo" in typed(*words)[1]
    assert Replay.objects.count() == 1


def test_the_command_that_draws_anew_sends_nothing_and_tells_how_to_approve(world: World, client: Client) -> None:
    plan = drawn(world, world.letters(3))
    said, _ = typed(*copied(plan_page(client, plan), name="draw it anew, send nothing"))
    anew = ReplayPlan.objects.latest("pk")
    assert anew.pk != plan.pk
    assert (anew.rate, anew.scope) == (plan.rate, plan.scope)
    assert not Replay.objects.exists()
    words = shlex.split(said.partition("To approve this plan: ")[2])
    typed(*words[words.index("letters") :])
    assert Replay.objects.get().plan_id == anew.pk


def test_without_yes_a_plan_is_shown_and_stays(world: World, client: Client) -> None:
    plan = drawn(world, world.letters(3))
    said, _ = typed("letters", "replay", "--plan", str(plan.pk), "--as", "bo")
    assert f"plan {plan.pk}: 3 letters" in said
    assert plan.hash in said
    assert not Replay.objects.exists()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--plan", "{plan}", "--hash", "sha256:0", "--reason", "x", "--yes"), "The hash is not this plan's"),
        (("--plan", "987654", "--hash", "{hash}", "--reason", "x", "--yes"), "There is no such"),
        (("--plan", "{plan}", "--reason", "x", "--yes"), "add --hash"),
        (("--plan", "{plan}", "--hash", "{hash}", "--yes"), "A reason is required"),
        (("--plan", "{plan}", "--hash", "{hash}", "--rate", "9", "--reason", "x", "--yes"), "--rate would change it"),
        (("--group", "1", "--hash", "{hash}"), "name it with --plan"),
        (("--ids", "1", "--up-to", "2"), "Only a group or a filter has an up_to"),
    ],
)
def test_what_is_not_that_plan_is_refused(world: World, client: Client, words: tuple[str, ...], sentence: str) -> None:
    plan = drawn(world, world.letters(1))
    meant = [word.format(plan=plan.pk, hash=plan.hash) for word in words]
    with pytest.raises(CommandError, match=sentence):
        typed("letters", "replay", *meant, "--as", "bo")
    assert not Replay.objects.exists()


def test_a_plan_that_expired_is_refused_as_the_page_refuses_it(world: World, client: Client) -> None:
    plan = drawn(world, world.letters(1))
    words = copied(plan_page(client, plan), name="approve this plan")
    ReplayPlan.objects.update(expires_at=clock.SYSTEM.now())
    with pytest.raises(CommandError, match="The plan has expired"):
        typed(*words)
    assert not Replay.objects.exists()
