"""An OpenID provider of our own that does as it should, or whatever a test wants to see refused.

Served by a thread on loopback. It keeps codes once, checks PKCE and the client's secret; tests change ``claims`` (of
the next ID tokens), ``sign`` (how they are signed), ``answers`` (what a path says instead) and ``wait`` (a slow one).
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from reliability.kernel import clock

CLIENT, SECRET = "mainstay", "a secret: with / and +"
WELL_KNOWN = "/.well-known/openid-configuration"
Claims = dict[str, Any]
Sign = Callable[["ForgedProvider", Claims], str]


@dataclass
class Key:
    """A key pair and its name."""

    kid: str
    algorithm: str
    private: Any

    @property
    def public(self) -> dict[str, Any]:
        """As a JWK."""
        told: dict[str, Any] = jwt.get_algorithm_by_name(self.algorithm).to_jwk(self.private.public_key(), as_dict=True)
        return {**told, "kid": self.kid, "alg": self.algorithm, "use": "sig"}


_RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def rsa_key(kid: str = "first", *, bits: int = 2048) -> Key:
    """An RSA key; one of 2048 bits is always the same, as making one takes its time."""
    private = _RSA if bits == 2048 else rsa.generate_private_key(public_exponent=65537, key_size=bits)
    return Key(kid, "RS256", private)


def ec_key(kid: str = "curve") -> Key:
    """A new P-256 key."""
    return Key(kid, "ES256", ec.generate_private_key(ec.SECP256R1()))


def signed(provider: ForgedProvider, claims: Claims) -> str:
    """As it should be: by the newest key."""
    key = provider.keys[-1]
    return jwt.encode(claims, key.private, algorithm=key.algorithm, headers={"kid": key.kid})


@dataclass
class ForgedProvider:
    """What it knows, and how it misbehaves."""

    issuer: str = ""
    keys: list[Key] = field(default_factory=lambda: [rsa_key()])
    person: Claims = field(default_factory=lambda: {"sub": "u-1", "preferred_username": "olga", "groups": ["ops"]})
    claims: Claims = field(default_factory=dict)
    left_out: tuple[str, ...] = ()
    sign: Sign = signed
    metadata: Claims = field(default_factory=dict)
    userinfo: Claims = field(default_factory=dict)
    answers: dict[str, tuple[int, bytes, dict[str, str]]] = field(default_factory=dict)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    wait: threading.Event | None = None

    def authorize(self, location: str) -> tuple[str, dict[str, str]]:
        """Do as somebody who agrees: return a code for this request, and what was asked."""
        asked = dict(parse_qsl(urlsplit(location).query))
        code = secrets.token_urlsafe(8)
        self.codes[code] = asked
        return code, asked

    def answer(self, path: str, body: str, headers: dict[str, str]) -> tuple[int, bytes, dict[str, str]]:
        """What a request gets."""
        self.asked.append(path)
        if self.wait is not None:
            self.wait.wait(30)
        if path in self.answers:
            return self.answers[path]
        if path == WELL_KNOWN:
            return _json(200, self._told())
        if path == "/keys":
            return _json(200, {"keys": [key.public for key in self.keys]})
        if path == "/me":
            return _json(200, {"sub": self.person["sub"], **self.userinfo})
        return self._exchange(body, headers) if path == "/token" else _json(404, {})

    def _told(self) -> Claims:
        names = {"authorization_endpoint": "auth", "token_endpoint": "token", "jwks_uri": "keys"}
        more = {"userinfo_endpoint": "me", "end_session_endpoint": "end"}
        return {"issuer": self.issuer, **{k: f"{self.issuer}/{v}" for k, v in (names | more).items()}, **self.metadata}

    def _exchange(self, body: str, headers: dict[str, str]) -> tuple[int, bytes, dict[str, str]]:
        given = {name: values[0] for name, values in parse_qs(body).items()}
        basic = base64.b64encode(f"{CLIENT}:a%20secret%3A%20with%20%2F%20and%20%2B".encode()).decode()
        if headers.get("Authorization") != f"Basic {basic}":
            return _json(401, {"error": "invalid_client"})
        asked = self.codes.pop(given.get("code", ""), None)
        digest = hashlib.sha256(given.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if asked is None or asked["code_challenge"] != challenge or asked["redirect_uri"] != given.get("redirect_uri"):
            return _json(400, {"error": "invalid_grant"})
        return _json(200, {"access_token": "at-1", "token_type": "Bearer", "id_token": self.token(asked["nonce"])})

    def token(self, nonce: str) -> str:
        """An ID token of the person."""
        now = int(clock.SYSTEM.now().timestamp())
        times = {"iat": now, "exp": now + 300}
        claims = {"iss": self.issuer, "aud": CLIENT, **times, "nonce": nonce, **self.person, **self.claims}
        return self.sign(self, {name: value for name, value in claims.items() if name not in self.left_out})


def _json(status: int, told: Claims) -> tuple[int, bytes, dict[str, str]]:
    return status, json.dumps(told).encode(), {"Content-Type": "application/json"}


@contextmanager
def serving() -> Iterator[ForgedProvider]:
    """A provider on a port of its own."""
    provider = ForgedProvider()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            status, told, headers = provider.answer(urlsplit(self.path).path, body, dict(self.headers))
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(told))}.items():
                self.send_header(name, value)
            self.end_headers()
            with suppress(OSError):  # who asked may be tired of waiting
                self.wfile.write(told)

        do_POST = do_GET

        def log_message(self, *words: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=partial(server.serve_forever, poll_interval=0.02), daemon=True)
    thread.start()
    provider.issuer = f"http://127.0.0.1:{server.server_port}"
    yield provider
    if provider.wait is not None:
        provider.wait.set()
    server.shutdown()
    server.server_close()
    thread.join(5)
