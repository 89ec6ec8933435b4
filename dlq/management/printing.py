"""How the command line shows letters, plans and runs: short lines for people, the API's documents as JSON."""

from __future__ import annotations

from collections.abc import Iterable

from dlq.api import groups, letters, plans, replays
from reliability.kernel.text import printable

_WIDTH = 100


def letter_line(letter: letters.LetterListed) -> str:
    """One letter on one line."""
    place = f"{letter.topic}/{letter.partition}/{letter.offset}"
    what = f"{letter.error_type or 'no error type'}: {letter.error_message}"
    return f"{letter.id:>8}  {letter.state:<11}  {place:<40}  {letter.key[:20]:<20}  {printable(what, limit=_WIDTH)}"


def letter_lines(letter: letters.LetterShown) -> Iterable[str]:
    """All of one letter."""
    origin = letter.origin
    yield f"letter {letter.id}, {letter.state}, of group {letter.group}: {letter.title}"
    yield f"  in {letter.topic}/{letter.partition}/{letter.offset}, stored {letter.stored_at:%Y-%m-%d %H:%M:%S} UTC"
    yield f"  from {origin.topic or '(not known)'}/{origin.partition}/{origin.offset}, group {letter.consumer_group}"
    yield f"  message {letter.message_id}, attempt {letter.attempt}, replays that failed: {letter.replay_count}"
    yield f"  {letter.error_type}: {letter.error_message}"
    for header in letter.headers:
        yield f"  header {header.name}: {'NULL' if header.base64 is None else header.text}"
    for name, content in (("key", letter.key_bytes), ("value", letter.value_bytes)):
        yield f"  {name} ({'NULL' if content.base64 is None else f'{content.size:,} bytes'}): {content.text}"
    for attempt in letter.history:
        yield f"  replay {attempt.replay}: {attempt.state} {attempt.proof or attempt.error}".rstrip()


def group_line(group: groups.LetterGroupShown) -> str:
    """One failure group on one line."""
    counts = f"{group.open:>7,} open {group.replaying:>6,} replaying {group.quarantined:>5,} quarantined"
    return f"{group.id:>6}  {group.standing:<11}  {counts}  {group.consumer_group:<20}  {group.title}"


def plan_lines(plan: plans.Plan) -> Iterable[str]:
    """What a plan says."""
    target = plan.target.get("topic") or {"origin": "where they came from", "group": "the group that failed"}.get(
        plan.target["kind"], ""
    )
    yield f"plan {plan.id}: {plan.letters:,} letters to {target}, {plan.rate:g} a second"
    duration = plan.counts["duration_s"]
    yield f"  takes {duration['shortest']:g} to {duration['longest']:g} s; valid until {plan.expires_at:%H:%M:%S} UTC"
    for topic, count in plan.counts["by_topic"].items():
        yield f"  {count:>8,} to {topic}"
    for group in plan.counts["by_group"]:
        yield f"  {group['letters']:>8,} of group {group['group']}: {group['title']}"
    for reason, count in plan.counts["left_out"].items():
        yield f"  {count:>8,} left out: {reason}"
    if plan.counts["duplicates"]:
        yield f"  {plan.counts['duplicates']:>8,} left out: they repeat a failure that another letter tells of"
    for warning in plan.warnings:
        yield f"  ! {warning.count:,} {warning.text}"


def run_line(run: replays.Run) -> str:
    """One run on one line."""
    counts = ", ".join(f"{count:,} {state.replace('_', ' ')}" for state, count in run.counts.items() if count)
    note = run.stop_reason or run.ramp
    return f"replay {run.id} {run.state}: {counts}{f' ({note})' if note else ''}"


def item_line(item: replays.Item) -> str:
    """One item on one line."""
    place = f"{item.topic}/{item.partition}/{item.offset}" if item.offset is not None else "-"
    why = item.error or item.proof
    return f"{item.position:>7}  letter {item.letter:<8}  {item.state:<12}  {place:<40}  {why}"
