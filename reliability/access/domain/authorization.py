"""The one place that says no."""

from __future__ import annotations

from collections.abc import Callable, Collection

from reliability.access.domain import rights
from reliability.access.domain.actors import Actor
from reliability.kernel.errors import Refused


class Denied(Refused):
    """You may not do this."""

    code = "denied"
    status = 403


class NotSignedIn(Denied):
    """Sign in first."""

    code = "not-signed-in"
    status = 401


class ReadOnly(Denied):
    """This console is read-only (MAINSTAY_READ_ONLY): it shows everything, and nobody acts here."""

    code = "read-only"


class Mode:
    """Whether this console is read-only; asked anew with each act. Told at start where to look (``access/apps.py``)."""

    def __init__(self) -> None:
        self.is_read_only: Callable[[], bool] = lambda: False


MODE = Mode()


def is_read_only() -> bool:
    """Whether nobody acts here, no person, no token and no rule: only the console's own upkeep goes on."""
    return MODE.is_read_only()


class MustFirst(Denied):
    """Something is to be done first."""

    code = "second-factor-needed"


def admit(actor: Actor, act: str) -> None:
    """Check mode and role, as a page's door does before its topics are known; raises ``Denied``, ``UnknownAct``."""
    needed = rights.right(act)
    if not actor.is_signed_in:
        raise NotSignedIn
    if actor.kind != "system" and not needed.only_looks and is_read_only():
        raise ReadOnly
    if actor.must_first:
        raise MustFirst(actor.must_first)
    if actor.role is None:
        raise Denied(f"{actor.shown} has no role yet; an admin can give one ({act} takes the role {needed.role}).")
    if not actor.role.covers(needed.role):
        raise Denied(f"{act} takes the role {needed.role}; {actor.shown} has the role {actor.role}.")
    if actor.acts is not None and act not in actor.acts:
        raise Denied(f"{actor.shown} was made for {', '.join(sorted(actor.acts)) or 'nothing'} alone, not for {act}.")


def authorize(actor: Actor, act: str, *, topics: Collection[str] = ()) -> None:
    """Check role and topic scopes for one act; raises ``Denied`` (its text says what is missing) or ``UnknownAct``.

    Hidden topics are counted, never named. An act bounded by topics is refused to an actor with limited scopes when no
    topic is given: what cannot be checked is not allowed. One on all topics at once is always refused to them.
    """
    admit(actor, act)
    if actor.scopes.is_everything:
        return
    right = rights.right(act)
    if right.whole:
        raise Denied(
            f"{act} touches the events of all topics at once and needs an account that may see every topic; "
            f"{actor.shown} has limited scopes."
        )
    hidden = sum(not actor.scopes.allows(topic) for topic in topics)
    if hidden:
        raise Denied(f"{hidden} of {len(topics)} topics of this {act} lie outside the topic scopes of {actor.shown}.")
    if right.by_topic and not topics:
        raise Denied(
            f"{act} without a topic needs an account that may see every topic; {actor.shown} has limited scopes."
        )


def may(actor: Actor, act: str, *, topics: Collection[str] = ()) -> bool:
    """Whether ``authorize`` would let it pass; for showing or hiding a button, never instead of the check."""
    try:
        authorize(actor, act, topics=topics)
    except Denied:
        return False
    return True
