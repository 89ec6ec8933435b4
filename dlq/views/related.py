"""The dead letters of a thing, as its page shows them: those with its name as their key."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from urllib.parse import urlencode

from django.urls import reverse

from dlq.domain import masking
from dlq.domain.search import key_term
from dlq.models import Discard, Letter, ReplayItem
from dlq.models.letters import State
from dlq.queries import about
from dlq.queries import letters as queries
from dlq.views import progress, wording
from reliability import access
from reliability.console.domain.values import Link, Part, TimelineRow, status_of

LETTERS_MAX = 40  # lines of a timeline that others share; the newest
_WORST_FIRST = (State.OPEN, State.QUARANTINED, State.REPLAYING, State.DISCARDED, State.RESOLVED)


def letters(actor: access.Actor, key: str, within_s: float) -> Sequence[Part]:
    """Return one part for all letters with this key that the actor may see; none where there are none."""
    found = about.with_key(key, actor=actor, limit=LETTERS_MAX + 1)
    shown = found[:LETTERS_MAX]
    if not shown:
        return []
    counts = Counter(letter.state for letter in shown)
    worst = next(state for state in _WORST_FIRST if counts[state])
    kind, word = wording.LETTER_WORDS[worst]
    leading = next(letter for letter in shown if letter.state == worst)
    more = len(found) > LETTERS_MAX
    return [
        Part(
            kind="letters",
            title=f"the newest {len(shown)} letters"
            if more
            else f"{len(shown)} letter{'' if len(shown) == 1 else 's'}",
            text=f"{leading.group.title} in {leading.consumer_group or 'a consumer that is not known'}",
            url=_url(key, shown),
            status=status_of(kind),
            word=word,
            at=leading.closed_at or leading.stored_at,
            facts=_counted(counts),
            links=_links(key, shown, actor),
            happened=tuple(_lines(shown, actor)),
        )
    ]


def _counted(counts: Counter[str]) -> tuple[tuple[str, str], ...]:
    """How many are in each state, where there are several."""
    if len(counts) == 1:
        return ()
    return tuple((wording.LETTER_WORDS[state][1], str(counts[state])) for state in _WORST_FIRST if counts[state])


def _url(key: str, shown: Sequence[Letter]) -> str:
    if len(shown) == 1 or not _is_plain(key):
        return reverse("dlq:letter", args=[shown[0].pk])
    return f"{reverse('dlq:letters')}?{urlencode({'q': key_term(key)})}"


def _is_plain(key: str) -> bool:
    """Whether a search can mean this key and no other: a star stands for anything, a quote ends what is quoted."""
    return not set(key) & {"*", '"'}


def _links(key: str, shown: Sequence[Letter], actor: access.Actor) -> tuple[Link, ...]:
    topics = {letter.origin_topic for letter in shown if letter.state == State.OPEN}
    if not topics or not _is_plain(key) or not access.may(actor, "letters.replay", topics=topics):
        return ()
    scope = urlencode({"all": "1", "q": f"{key_term(key)} state:open"})
    return (Link(label="Plan a replay", url=f"{reverse('dlq:choose')}?{scope}"),)


def _lines(shown: Sequence[Letter], actor: access.Actor) -> list[TimelineRow]:
    ids = {letter.pk: letter for letter in shown}
    lines = [_died(letter) for letter in shown]
    lines += [_replayed(item, ids[item.letter_id], actor) for item in about.items_of(ids, actor=actor)]
    for made in about.discards_of(ids, actor=actor):
        lines += _discarded(made, actor)
    return lines


def _died(letter: Letter) -> TimelineRow:
    group = f" in {letter.consumer_group}" if letter.consumer_group else ""
    return TimelineRow(
        at=letter.failed_at or letter.stored_at,
        kind="machine",
        status="crit",
        text=f"given up{group}: {letter.group.title}",
        url=reverse("dlq:letter", args=[letter.pk]),
        topics=(letter.origin_topic,),
    )


def _replayed(item: ReplayItem, letter: Letter, actor: access.Actor) -> TimelineRow:
    kind, word = progress.ITEM_WORDS[item.state]
    why = wording.error_of(item, mask=not queries.reveals(actor, letter.origin_topic))
    return TimelineRow(
        at=item.settled_at or item.sent_at or item.queued_at or item.replay.created_at,
        kind="machine",
        status=status_of(kind),
        text=f"letter {letter.pk} in replay #{item.replay_id}: {word.lower()}" + (f": {why}" if why else ""),
        url=reverse("dlq:run", args=[item.replay_id]),
        topics=(letter.origin_topic,),
    )


def _discarded(made: Discard, actor: access.Actor) -> list[TimelineRow]:
    url = reverse("dlq:discarded", args=[made.pk])
    reason = masking.masked_text(made.reason) if queries.is_masked(actor) else made.reason
    said = f"discarded it: “{reason}”"
    lines = [
        TimelineRow(at=made.created_at, kind="person", status="paused", text=said, url=url, who=made.actor),
    ]
    if made.undone_at is not None:
        said = f"undid discard #{made.pk}"
        lines.append(TimelineRow(at=made.undone_at, kind="person", status="ok", text=said, url=url, who=made.undone_by))
    return lines
