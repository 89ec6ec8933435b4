"""An authenticator app, and the way through the second factor without a browser."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import struct
from types import SimpleNamespace

import pytest
from django.http import HttpResponseBase
from django.test import Client

from tests.support.actors import PASSWORD

PERIOD_S = 30


class Telephone:
    """An authenticator app after RFC 6238, and the clock that both sides read."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now_s = 1_800_000_000.0
        self.secret = ""
        monkeypatch.setattr("allauth.mfa.totp.internal.auth.time", SimpleNamespace(time=lambda: self.now_s))

    def code(self, *, off_s: float = 0) -> str:
        """What it shows."""
        step = struct.pack(">Q", int((self.now_s + off_s) // PERIOD_S))
        digest = hmac.new(base64.b32decode(self.secret), step, hashlib.sha1).digest()
        at = digest[-1] & 15
        return f"{(int.from_bytes(digest[at : at + 4], 'big') & 0x7FFFFFFF) % 1_000_000:06d}"

    def wait(self) -> None:
        """Until it shows another one, and none of before counts."""
        self.now_s += 4 * PERIOD_S


def password_given(client: Client) -> HttpResponseBase:
    return client.post("/accounts/login/?next=/look/", {"login": "ada", "password": PASSWORD})


def code_given(client: Client, code: str) -> HttpResponseBase:
    return client.post("/accounts/second-factor/authenticate/", {"code": code})


def is_in(client: Client) -> bool:
    return client.get("/look/").status_code == 200


def set_up(client: Client, phone: Telephone) -> list[str]:
    """As somebody signed in: the password again, the secret into the telephone, its code; return the printed codes."""
    client.post("/accounts/reauthenticate/?next=/accounts/second-factor/app/", {"password": PASSWORD})
    page = client.get("/accounts/second-factor/app/").content.decode()
    phone.secret = re.search(r'<code class="hash">(\w+)</code>', page)[1]  # type: ignore[index]  # it is there
    done = client.post("/accounts/second-factor/app/", {"code": phone.code()}, follow=True)
    codes = re.findall(r"<li>(\d{8})</li>", done.content.decode())
    assert len(codes) == 10, done.content.decode()
    phone.wait()
    return codes
