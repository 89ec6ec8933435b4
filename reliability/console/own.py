"""What the console itself tells: processes that are silent, stopped or failing, Redis and Kafka that do not answer."""

from __future__ import annotations

from collections.abc import Sequence

from reliability import access
from reliability.access.queries import machines
from reliability.console import figures, health, queries, running
from reliability.console.domain.values import Item, Status, Tile
from reliability.console.registry import REGISTRY, Panel
from reliability.kernel import clock
from reliability.live import queries as live_queries
from reliability.live.domain.processes import HeartbeatRow, Missing, Restarting

PROCESSES_URL = "/settings/#processes"
TOKENS_URL = "/settings/access/"
_WITHOUT = {
    "redis": ("Redis does not answer", "Pages ask for themselves every few seconds; work goes on, a little slower."),
    "kafka": ("Kafka does not answer", "Nothing is sent or read. Events wait in the outbox, letters in their topics."),
}


def register() -> None:
    """Register everything of this module; called once at start."""
    REGISTRY.register_panel(Panel(slug="settings", title="Processes", tile=lambda actor: tile(), order=90))
    REGISTRY.register_attention(lambda actor: silent_processes())
    REGISTRY.register_attention(lambda actor: stopped_processes())
    REGISTRY.register_attention(lambda actor: restarting_processes())
    REGISTRY.register_attention(lambda actor: failing_processes(actor=actor))
    REGISTRY.register_attention(lambda actor: dead_dependencies())
    REGISTRY.register_attention(lambda actor: reused_tokens(actor=actor))
    REGISTRY.register_figures(figures.of_processes)
    REGISTRY.register_figures(figures.of_attention)
    REGISTRY.register_figures(figures.of_dependencies)
    REGISTRY.register_figures(figures.of_queues)


def tile() -> Tile:
    """How many processes are heard, of those that should be: silent, stopped and never started ones count."""
    found = running.running()
    missing = live_queries.missing_processes()
    status, word = _verdict(found, missing)
    return Tile(
        title="Processes",
        value=f"{len(found.heard):,}",
        unit=f"heard, of {len(found.heard) + len(missing) + len(found.absent):,}",
        status=status,
        word=word,
        at=clock.SYSTEM.now(),
        url=PROCESSES_URL,
    )


def _verdict(found: running.Running, missing: Sequence[Missing]) -> tuple[Status, str]:
    restarting = live_queries.restarting_processes()
    failing = sum(row.state == "failing" for row in found.heard)
    counts = ((len(missing), "silent"), (len(restarting), "restarting"), (len(found.stopped), "stopped"))
    word = ", ".join(f"{count} {name}" for count, name in counts if count)
    if word:
        return ("crit" if restarting or any(each.alone for each in missing) else "warn"), word
    if failing:
        return "warn", f"{failing} failing"
    if not found.heard:
        return "unknown", "None heard"
    return ("unknown", f"{len(found.unstarted)} not started yet") if found.unstarted else ("ok", "All heard")


def silent_processes() -> list[Item]:
    """Processes that should have spoken and did not."""
    return [_silent(missing) for missing in live_queries.missing_processes()]


def _silent(missing: Missing) -> Item:
    row = missing.row
    rest = "no other process of this name lives" if missing.alone else "others of this name live"
    return Item(
        id=f"process:{row.name}:{row.host}",
        room="settings",
        status="crit" if missing.alone else "warn",
        word="Silent",
        title=f"{row.name} is silent",
        detail=f"Last heard of on {row.host} as process {row.pid}; {rest}.",
        is_cause=missing.alone,
        since=row.at,
        url=PROCESSES_URL,
        act_label="See processes",
        act_url=PROCESSES_URL,
    )


def reused_tokens(*, actor: access.Actor) -> list[Item]:
    """Machines of which a refresh token was shown twice: a copy of it may be in other hands. For who may act on it."""
    if not access.may(actor, "tokens.manage"):
        return []
    return [
        Item(
            id=f"tokens:{family.pk}",
            room="settings",
            status="warn",
            word="Token shown twice",
            title="A refresh token was used twice",
            detail="Its family of tokens was ended; the activity says whose. A copy may be in other hands.",
            is_cause=True,
            since=family.revoked_at,
            url=TOKENS_URL,
            act_label="See tokens",
            act_url=TOKENS_URL,
        )
        for family in machines.lately_reused(now=clock.SYSTEM.now())
    ]


def stopped_processes() -> list[Item]:
    """Processes of a whole deployment that said goodbye and have no other of their name."""
    wanted = set(running.wanted())
    return [_stopped(row) for row in running.running().stopped if row.name in wanted and not _is_told(row.name)]


def _is_told(name: str) -> bool:
    """Whether its room says itself that nobody does its work."""
    return name == "worker-relay" or name.partition(":")[0] == "letters"


def _stopped(row: HeartbeatRow) -> Item:
    return Item(
        id=f"process:{row.name}:{row.host}:stopped",
        room="settings",
        status="warn",
        word="Stopped",
        title=f"{row.name} was stopped",
        detail=f"Last heard of on {row.host} as process {row.pid}; no other of this name lives. Start it again.",
        is_cause=True,
        since=row.at,
        url=PROCESSES_URL,
        act_label="See processes",
        act_url=PROCESSES_URL,
    )


def restarting_processes() -> list[Item]:
    """Processes that restart again and again: between two crashes their heartbeats look well."""
    return [_restarting(each) for each in live_queries.restarting_processes()]


def _restarting(found: Restarting) -> Item:
    row = found.row
    return Item(
        id=f"process:{row.name}:{row.host}:restarting",
        room="settings",
        status="crit",
        word="Restarting",
        title=found.sentence,
        detail=f"On {row.host}, now as process {row.pid}. Its log says why it ends.",
        is_cause=True,
        since=found.since,
        url=PROCESSES_URL,
        act_label="See processes",
        act_url=PROCESSES_URL,
    )


def failing_processes(*, actor: access.Actor) -> list[Item]:
    """Processes that live but whose work fails, with the error as far as the actor may read it."""
    return [
        Item(
            id=f"process:{row.name}:{row.host}:failing",
            room="settings",
            status="warn",
            word="Failing",
            title=f"{row.name} cannot do its work",
            detail=str(row.facts.get("error", "")),
            since=None,
            url=PROCESSES_URL,
            act_label="See processes",
            act_url=PROCESSES_URL,
        )
        for row in queries.processes(actor=actor)
        if row.state == "failing" and not row.is_silent
    ]


def dead_dependencies() -> list[Item]:
    """Redis and Kafka, as this process sees them."""
    return [
        Item(
            id=f"dependency:{part.name}",
            room="settings",
            status="crit" if part.name == "kafka" else "warn",
            word="Down",
            title=_WITHOUT[part.name][0],
            detail=_WITHOUT[part.name][1],
            is_cause=True,
            since=part.since,
            url=PROCESSES_URL,
            act_label="See processes",
            act_url=PROCESSES_URL,
        )
        for part in health.dependencies()
        if part.state == "down"
    ]
