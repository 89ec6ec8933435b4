"""Every act of the console and the least role it takes: the one table that every entrance asks.

A room that adds an act adds its line here. An act without a line is refused to everybody.
"""

from __future__ import annotations

from dataclasses import dataclass

from reliability.access.domain.roles import Role

VIEWER, OPERATOR, ADMIN = Role.VIEWER, Role.OPERATOR, Role.ADMIN


@dataclass(frozen=True, slots=True, kw_only=True)
class Right:
    """One act: who may do it, whether it must be justified, whether it is bounded by topic scopes.

    ``whole``: it touches all topics at once, so that only an account that sees every topic may do it.
    ``always``: it changes nothing but who may see or act here, and who is told, so that read-only mode leaves it.
    ``in_confidence``: its entries in the audit name accounts and tokens, and are shown to admins and to who did it.
    """

    act: str
    role: Role
    does: str
    needs_reason: bool = False
    by_topic: bool = False
    whole: bool = False
    in_confidence: bool = False
    always: bool = False

    @property
    def only_looks(self) -> bool:
        """Whether it may be done in read-only mode: it shows something, or is about accounts, tokens, who is told."""
        return self.always or self.act.endswith(".view")


class UnknownAct(LookupError):
    """The act is not in the table of rights."""


def _right(act: str, role: Role, does: str, **rules: bool) -> Right:
    return Right(act=act, role=role, does=does, **rules)


_TABLE = (
    _right("overview.view", VIEWER, "see the overview, the attention list and the timeline"),
    _right("search.view", VIEWER, "search by identifier"),
    _right("letters.view", VIEWER, "see dead letters and their groups, masked", by_topic=True),
    _right("letters.note", OPERATOR, "write a note on a failure group", by_topic=True),
    _right("letters.replay", OPERATOR, "plan and start a replay", needs_reason=True, by_topic=True),
    _right("letters.replay_pause", OPERATOR, "pause a running replay", by_topic=True),
    _right("letters.replay_resume", OPERATOR, "resume a paused or stopped replay", by_topic=True),
    _right("letters.replay_rate", OPERATOR, "change the rate of a running replay", by_topic=True),
    _right("letters.replay_cancel", OPERATOR, "cancel a replay; what is already sent stays sent", by_topic=True),
    _right("letters.discard", OPERATOR, "discard letters, undoable for a while", needs_reason=True, by_topic=True),
    _right("letters.restore", OPERATOR, "undo a discard", by_topic=True),
    _right("letters.settle", OPERATOR, "declare the outcome of an unknown item", needs_reason=True, by_topic=True),
    _right("letters.reveal", OPERATOR, "see a letter's masked parts", needs_reason=True, by_topic=True, always=True),
    _right("letters.quarantine", ADMIN, "take a letter out of quarantine", needs_reason=True, by_topic=True),
    _right("outbox.view", VIEWER, "see backlog, shards, receipts and parked keys"),
    _right("outbox.pause", OPERATOR, "stop sending from shards of the outbox", needs_reason=True, whole=True),
    _right("outbox.resume", OPERATOR, "send again from paused shards of the outbox", whole=True),
    _right(
        "outbox.accept_database",
        ADMIN,
        "let halted relays go on after a restore or failover",
        needs_reason=True,
        whole=True,
    ),
    _right("outbox.release", OPERATOR, "send a parked key's events again", needs_reason=True),
    _right("outbox.discard", ADMIN, "drop a parked event for good", needs_reason=True),
    _right("lag.view", VIEWER, "see consumer groups and their lag", by_topic=True),
    _right("lag.reset", OPERATOR, "set where a consumer group goes on", needs_reason=True, by_topic=True),
    _right("lag.mute", OPERATOR, "mute the alerts of a consumer group for a while", needs_reason=True, by_topic=True),
    _right("lag.unmute", OPERATOR, "end a mute", by_topic=True),
    _right("sagas.view", VIEWER, "see sagas and their steps"),
    _right("sagas.act", OPERATOR, "act on sagas: retry, compensate, end them", needs_reason=True),
    _right("sagas.batch_cancel", OPERATOR, "cancel the rest of a bulk act; what was done stays done"),
    _right("breakers.view", VIEWER, "see circuit breakers"),
    _right("breakers.override", OPERATOR, "force a breaker open or closed for a time", needs_reason=True),
    _right("breakers.rules", OPERATOR, "change the thresholds and times of a breaker", needs_reason=True),
    _right("breakers.reset", OPERATOR, "close a breaker as if nothing had happened", needs_reason=True),
    _right("degradation.view", VIEWER, "see degradation flags and policies"),
    _right("degradation.evaluate", VIEWER, "read levels in force over OFREP, as other languages do", always=True),
    _right("degradation.set", OPERATOR, "set the level of a degradation flag for a time", needs_reason=True),
    _right("degradation.extend", OPERATOR, "let a level that was set last longer", needs_reason=True),
    _right("degradation.clear", OPERATOR, "take a level back that was set"),
    _right("degradation.hold", OPERATOR, "as a policy that changed too often, ask for a person", needs_reason=True),
    _right("degradation.release", OPERATOR, "let a policy decide again that asks for a person", needs_reason=True),
    _right("degradation.schedule", OPERATOR, "schedule levels of degradation flags", needs_reason=True),
    _right("degradation.policy", ADMIN, "save, switch and delete degradation policies", needs_reason=True),
    _right("reconcile.view", VIEWER, "see findings and proposed repairs"),
    _right("reconcile.compare", OPERATOR, "have both sides of a reconciliation compared now"),
    _right("reconcile.repair", OPERATOR, "apply a repair", needs_reason=True),
    _right("reconcile.dismiss", OPERATOR, "let a finding be as it is, and take that back", needs_reason=True),
    _right("alerts.view", VIEWER, "see incidents, alert rules, mutes and what was told to whom"),
    _right("alerts.acknowledge", OPERATOR, "say that one looks after an incident", always=True),
    _right("alerts.mute", OPERATOR, "have nobody told of something for a while", needs_reason=True, always=True),
    _right("alerts.unmute", OPERATOR, "end a mute", always=True),
    _right("alerts.test", OPERATOR, "send a test over a channel", always=True),
    _right("alerts.send_again", OPERATOR, "send a message again that was given up", always=True),
    _right("alerts.rule", ADMIN, "save, switch and delete alert rules", needs_reason=True, always=True),
    _right("activity.view", VIEWER, "see who did what, when and why"),
    _right("orders.view", VIEWER, "see an order with all that is known of it, and the demo shop"),
    _right("demo.switch", OPERATOR, "break or repair a part of the demo workload"),
    _right("processes.view", VIEWER, "see processes, heartbeats and health"),
    _right("settings.view", VIEWER, "see how this console is configured, without secrets"),
    _right("settings.edit", ADMIN, "change settings kept in the database", needs_reason=True, in_confidence=True),
    _right("tokens.own", VIEWER, "make and revoke one's own API tokens", in_confidence=True, always=True),
    _right("tokens.manage", ADMIN, "make and revoke any account's API tokens", in_confidence=True, always=True),
    _right("sessions.own", VIEWER, "end one's own sessions in other browsers", in_confidence=True, always=True),
    _right(
        "tokens.grant", VIEWER, "use one's API token for access and refresh tokens", in_confidence=True, always=True
    ),
    _right("tokens.reuse", ADMIN, "as the guard of tokens, end a family shown twice", in_confidence=True, always=True),
    _right("accounts.password", VIEWER, "change one's own password", in_confidence=True, always=True),
    _right("accounts.view", ADMIN, "see accounts, their roles and scopes"),
    _right("accounts.factor", VIEWER, "set up and take off one's own second factor", in_confidence=True, always=True),
    _right(
        "accounts.provide", ADMIN, "as the sign-in, make accounts as the provider says", in_confidence=True, always=True
    ),
    _right(
        "accounts.manage",
        ADMIN,
        "create accounts, change their role, scopes or password, disable them",
        in_confidence=True,
        always=True,
    ),
)

RIGHTS: dict[str, Right] = {right.act: right for right in _TABLE}


def right(act: str) -> Right:
    """Return the right of an act; raises ``UnknownAct`` when no line names it."""
    try:
        return RIGHTS[act]
    except KeyError:
        raise UnknownAct(f"{act!r} is not in the table of rights (reliability/access/domain/rights.py)") from None


def matrix() -> list[tuple[str, str, dict[Role, bool]]]:
    """Return the permission matrix for the documents: act, what it does, and yes or no for each role."""
    return [(each.act, each.does, {role: role.covers(each.role) for role in Role}) for each in _TABLE]
