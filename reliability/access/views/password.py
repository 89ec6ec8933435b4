"""Changing one's own password: allauth's page, but for accounts that have none to change."""

from __future__ import annotations

from allauth.account import views
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render


def change(request: HttpRequest) -> HttpResponseBase:
    """Show and take the form; say who can set a password where the account has none.

    Without a password nothing proves that who sits there is the owner, so that none can be set here.
    """
    if request.user.is_authenticated and not request.user.has_usable_password():
        return render(request, "account/password_none.html", {"username": request.user.get_username()}, status=409)
    answer: HttpResponseBase = views.password_change(request)
    return answer
