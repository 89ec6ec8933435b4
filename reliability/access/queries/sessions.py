"""Which browsers are signed in, and for how long."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.sessions.models import Session
from django.utils.crypto import constant_time_compare

from reliability.access.domain.browsers import Limits
from reliability.access.models import BrowserSession

LISTED_MAX = 100  # of one account; whoever has more ends them all at once


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A browser that is signed in. ``ends_at``: if nobody does anything more in it."""

    row: BrowserSession
    ends_at: datetime
    is_this: bool


def limits() -> Limits:
    """As the settings say."""
    idle_s = getattr(settings, "SESSION_IDLE_S", 2 * 3600)
    whole_s = getattr(settings, "SESSION_WHOLE_S", 12 * 3600)
    return Limits(whole=timedelta(seconds=whole_s), idle=timedelta(seconds=idle_s) if idle_s else None)


def is_over(row: BrowserSession, *, now: datetime) -> bool:
    """Whether its time has come."""
    return limits().is_over(began_at=row.began_at, seen_at=row.seen_at, now=now)


def over(session_keys: Collection[str], *, now: datetime) -> set[str]:
    """Those of the sessions whose time has come."""
    rows = BrowserSession.objects.filter(session_key__in=session_keys)
    return {row.session_key for row in rows if is_over(row, now=now)}


def is_of(content: Mapping[str, object], user: AbstractBaseUser) -> bool:
    """Whether a session's content lets this user in: theirs, and of the password that they have now.

    The console's secret before still counts, as it does for the next page, which renews the session.
    """
    if str(content.get(SESSION_KEY, "")) != str(user.pk):
        return False
    kept = str(content.get(HASH_SESSION_KEY, ""))
    good = (user.get_session_auth_hash(), *user.get_session_auth_fallback_hash())
    return any(constant_time_compare(kept, each) for each in good)


def of_user(user: AbstractBaseUser, *, this: str, now: datetime) -> list[Shown]:
    """The browsers in which somebody is signed in, the one that asks first, then as they were seen last."""
    rows = BrowserSession.objects.filter(user_id=user.pk).order_by("-seen_at")[:LISTED_MAX]
    stored = Session.objects.filter(session_key__in=[row.session_key for row in rows], expire_date__gt=now)
    good = {each.session_key for each in stored if is_of(each.get_decoded(), user)}
    shown = [
        Shown(
            row=row,
            ends_at=limits().ends_at(began_at=row.began_at, seen_at=row.seen_at),
            is_this=row.session_key == this,
        )
        for row in rows
        if row.session_key in good and not is_over(row, now=now)
    ]
    return sorted(shown, key=lambda each: not each.is_this)
