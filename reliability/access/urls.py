"""The pages of signing in and out, from allauth; everything else it offers is left out."""

from __future__ import annotations

from allauth.account import views
from django.urls import path
from django.views.generic import RedirectView

from reliability.access.views import password, second_factor, single_sign_on

urlpatterns = [
    path("login/", views.login, name="account_login"),
    path("logout/", single_sign_on.logout, name="account_logout"),
    path("signed-out/", single_sign_on.signed_out, name="signed_out"),
    path("sso/", single_sign_on.start, name="sso_start"),
    path("sso/callback/", single_sign_on.callback, name="sso_callback"),
    path("reauthenticate/", second_factor.reauthenticate, name="account_reauthenticate"),
    path("second-factor/authenticate/", second_factor.authenticate, name="mfa_authenticate"),
    path("second-factor/reauthenticate/", second_factor.reauthenticate_by_code, name="mfa_reauthenticate"),
    path("second-factor/app/", second_factor.activate, name="mfa_activate_totp"),
    path("second-factor/app/end/", second_factor.deactivate, name="mfa_deactivate_totp"),
    path("second-factor/codes/", second_factor.show_codes, name="mfa_view_recovery_codes"),
    path("second-factor/codes/new/", second_factor.new_codes, name="mfa_generate_recovery_codes"),
    path("second-factor/", RedirectView.as_view(pattern_name="console:access"), name="mfa_index"),
    path("inactive/", views.account_inactive, name="account_inactive"),
    path("password/change/", password.change, name="account_change_password"),
]
