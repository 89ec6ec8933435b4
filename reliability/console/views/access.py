"""Sign-in and tokens: one's own sessions and tokens; for admins all accounts, and the tokens of all."""

from __future__ import annotations

from datetime import timedelta

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from reliability import access
from reliability.access import queries as access_queries
from reliability.access.models import Account, BrowserSession, TokenFamily
from reliability.access.queries import machines
from reliability.access.queries import sessions as session_queries
from reliability.console import context
from reliability.console.domain import wording
from reliability.console.operations import accounts, sessions
from reliability.console.operations import machines as machine_operations
from reliability.kernel import clock
from reliability.kernel.errors import Refused

LIVES_DAYS = (1, 30, 90, 365)
MOST_TOKENS = 200
PAGE = "console:access"


@require_safe
@access.requires("tokens.own")
def page(request: HttpRequest) -> HttpResponse:
    """What opens this console in one's name, and how to end it."""
    context.place(request, "settings")
    response = render(request, "console/access.html", _context(request))
    response.headers["Cache-Control"] = "no-store"
    return response


@require_POST
@access.requires("tokens.own")
def issue_token(request: HttpRequest) -> HttpResponse:
    """Make a token for oneself and show its secret, this once, on this very answer."""
    actor = access.actor_of(request)
    days = request.POST.get("days", "")
    role = request.POST.get("role", "")
    topics = [each.strip() for each in request.POST.get("topics", "").split(",") if each.strip()]
    try:
        issued = accounts.issue_token(
            actor=actor,
            username=actor.account,
            name=request.POST.get("name", "").strip(),
            role=access.Role(role) if role in list(access.Role) else None,
            topic_scopes=topics or None,
            acts=request.POST.getlist("acts") or None,
            life=timedelta(days=int(days) if days.isdecimal() and len(days) < 5 else LIVES_DAYS[1]),
            now=clock.SYSTEM.now(),
        )
    except access.Denied:
        raise
    except Refused as refused:
        messages.warning(request, str(refused))
        return redirect(reverse(PAGE) + "#tokens")
    context.place(request, "settings")
    response = render(request, "console/token.html", {"title": "New token", "issued": issued})
    response.headers["Cache-Control"] = "no-store"
    return response


@require_POST
@access.requires("tokens.own")
def revoke_token(request: HttpRequest, token_id: int) -> HttpResponse:
    """End one of one's own tokens, or as an admin anybody's."""
    actor = access.actor_of(request)
    token = access_queries.token_for(actor, token_id)
    if token is None:
        raise Http404
    accounts.revoke_token(actor=actor, token=token, now=clock.SYSTEM.now())
    messages.success(request, f"The token {token.name} no longer opens anything.")
    return redirect(reverse(PAGE) + "#tokens")


@require_POST
@access.requires("sessions.own")
def end_session(request: HttpRequest, session_id: int) -> HttpResponse:
    """End one of one's own sessions."""
    row = get_object_or_404(BrowserSession, pk=session_id, user_id=request.user.pk)
    sessions.end(actor=access.actor_of(request), row=row)
    messages.success(request, f"{row.browser} is signed out.")
    return redirect(reverse(PAGE) + "#sessions")


@require_POST
@access.requires("sessions.own")
def end_other_sessions(request: HttpRequest) -> HttpResponse:
    """End all of one's own sessions but this one."""
    this = request.session.session_key or ""
    ended = sessions.end_others(actor=access.actor_of(request), user=request.user, this=this)  # type: ignore[arg-type]  # signed in
    messages.success(request, f"Signed out elsewhere: {_counted(ended)}.")
    return redirect(reverse(PAGE) + "#sessions")


@require_POST
@access.requires("accounts.manage")
def end_all_sessions(request: HttpRequest, user_id: int) -> HttpResponse:
    """As an admin: end every session of an account."""
    account = get_object_or_404(Account.objects.select_related("user"), user_id=user_id)
    name = account.user.get_username()
    ended = sessions.end_all(actor=access.actor_of(request), username=name)
    messages.success(request, f"{name} is signed out everywhere: {_counted(ended)}.")
    return redirect(reverse(PAGE) + "#accounts")


@require_POST
@access.requires("accounts.manage")
def set_active(request: HttpRequest, user_id: int, *, active: bool) -> HttpResponse:
    """As an admin: disable an account, or enable it again."""
    account = get_object_or_404(Account.objects.select_related("user"), user_id=user_id)
    name = account.user.get_username()
    try:
        accounts.set_active(actor=access.actor_of(request), username=name, active=active)
    except access.Denied:
        raise
    except Refused as refused:
        messages.warning(request, str(refused))
    else:
        opened = "may come in again" if active else "is disabled: no session and no token of it opens anything"
        messages.success(request, f"{name} {opened}.")
    return redirect(reverse(PAGE) + "#accounts")


@require_POST
@access.requires("tokens.grant")
def end_family(request: HttpRequest, family_id: int) -> HttpResponse:
    """End the tokens of a machine at work: one's own, or as an admin anybody's."""
    actor = access.actor_of(request)
    family = get_object_or_404(TokenFamily.objects.select_related("token__account__user"), pk=family_id)
    if not access.may(actor, "tokens.manage") and family.token.account.user_id != actor.user_id:
        raise Http404
    machine_operations.end(actor=actor, family=family, now=clock.SYSTEM.now())
    messages.success(request, f"The tokens of {family.token} no longer open anything.")
    return redirect(reverse(PAGE) + "#tokens")


def _counted(sessions: int) -> str:
    return f"{sessions} session{'' if sessions == 1 else 's'}"


def _context(request: HttpRequest) -> dict[str, object]:
    actor, now = access.actor_of(request), clock.SYSTEM.now()
    own, limits = actor.role or access.Role.VIEWER, session_queries.limits()
    shown = session_queries.of_user(request.user, this=request.session.session_key or "", now=now)  # type: ignore[arg-type]  # signed in
    manages = access.may(actor, "tokens.manage")
    return {
        "title": "Settings",
        "now": now,
        "actor": actor,
        "scopes": actor.scopes,
        "sessions": shown,
        "others": any(not each.is_this for each in shown),
        "whole": wording.span(limits.whole.total_seconds()),
        "idle": wording.span(limits.idle.total_seconds()) if limits.idle else "",
        "has_password": access_queries.signs_in_by_password(request.user),
        "has_factor": access_queries.has_factor(request.user),  # type: ignore[arg-type]  # signed in
        "needs_factor": access_queries.needs_factor(request.user),  # type: ignore[arg-type]  # signed in
        "with_factor": access_queries.who_have_factors(),
        "tokens": access_queries.tokens_of(actor),
        "roles": [role for role in access.Role if own.covers(role)],
        "rights": [right for right in access.RIGHTS.values() if own.covers(right.role)],
        "lives": LIVES_DAYS,
        "families": machines.listed(account="" if manages else actor.account, now=now),
        "accounts": access_queries.accounts() if access.may(actor, "accounts.view") else None,
        "elsewhere": access_queries.who_sign_in_elsewhere(),
        "all_tokens": access_queries.living_tokens(limit=MOST_TOKENS, now=now) if manages else [],
        "most_tokens": MOST_TOKENS,
    }
