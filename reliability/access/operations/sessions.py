"""Sessions of browsers: noted, looked after, ended. Ending one deletes Django's row, so that nothing opens it again."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models.functions import Now

from reliability.access.domain import browsers
from reliability.access.models import BrowserSession
from reliability.access.queries import sessions

FORGOTTEN_AT_ONCE = 500
SEEN_EVERY = timedelta(minutes=1)
"""One write for each minute in which somebody does something is enough."""


def meet(*, session_key: str, user_id: int, address: str, user_agent: str, now: datetime) -> BrowserSession:
    """Note a session that is new, or return what is known of it."""
    row, is_new = BrowserSession.objects.get_or_create(
        session_key=session_key,
        defaults={
            "user_id": user_id,
            "address": address[:45],
            "browser": browsers.called(user_agent)[:80],
            "began_at": now,
            "seen_at": now,
        },
    )
    if is_new:
        forget_old(now=now)
    return row


def see(*, row: BrowserSession, now: datetime) -> None:
    """Remember that a person did something in it."""
    if now - row.seen_at >= SEEN_EVERY:
        BrowserSession.objects.filter(pk=row.pk).update(seen_at=now)


def follow(*, row: BrowserSession, session_key: str | None) -> None:
    """Keep the note with a session that got another key (a changed password), drop it with one that ended."""
    rows = BrowserSession.objects.filter(pk=row.pk)
    if session_key is None:
        rows.delete()
    elif session_key != row.session_key:
        rows.update(session_key=session_key)


def end(session_keys: Collection[str]) -> int:
    """End sessions at once, on every entrance; return how many were signed in."""
    with transaction.atomic():
        Session.objects.filter(session_key__in=session_keys).delete()
        ended, _ = BrowserSession.objects.filter(session_key__in=session_keys).delete()
    return ended


def end_of_user(*, user_id: int, but: str = "") -> int:
    """End all sessions of somebody, ``but`` this one; return how many."""
    keys = BrowserSession.objects.filter(user_id=user_id).exclude(session_key=but).values_list("session_key", flat=True)
    return end(list(keys))


def forget_old(*, now: datetime) -> int:
    """End sessions whose time is over and whose browsers never came back to hear it; return how many.

    With them goes what strangers left at the door: a sign-in that was begun and not finished has a row, too.
    """
    old = BrowserSession.objects.filter(began_at__lt=now - sessions.limits().whole)
    ended = end(list(old.values_list("session_key", flat=True)[:FORGOTTEN_AT_ONCE]))
    strangers = Session.objects.filter(expire_date__lt=Now()).values("pk")[:FORGOTTEN_AT_ONCE]
    Session.objects.filter(pk__in=strangers).delete()
    return ended
