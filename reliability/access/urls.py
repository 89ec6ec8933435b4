"""The pages of signing in and out, from allauth; everything else it offers is left out."""

from __future__ import annotations

from allauth.account import views
from django.urls import path

from reliability.access.views import password, single_sign_on

urlpatterns = [
    path("login/", views.login, name="account_login"),
    path("logout/", single_sign_on.logout, name="account_logout"),
    path("signed-out/", single_sign_on.signed_out, name="signed_out"),
    path("sso/", single_sign_on.start, name="sso_start"),
    path("sso/callback/", single_sign_on.callback, name="sso_callback"),
    path("inactive/", views.account_inactive, name="account_inactive"),
    path("password/change/", password.change, name="account_change_password"),
]
