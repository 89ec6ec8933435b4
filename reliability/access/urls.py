"""The pages of signing in and out, from allauth; everything else it offers is left out."""

from __future__ import annotations

from allauth.account import views
from django.urls import path

from reliability.access.views import password

urlpatterns = [
    path("login/", views.login, name="account_login"),
    path("logout/", views.logout, name="account_logout"),
    path("inactive/", views.account_inactive, name="account_inactive"),
    path("password/change/", password.change, name="account_change_password"),
]
