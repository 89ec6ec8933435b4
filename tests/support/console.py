"""The console of a running system as its users meet it: the API with a token, the pages and the socket signed in."""

from __future__ import annotations

import http.client
import http.cookiejar
import json
import re
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

from websockets.sync.client import ClientConnection, connect

ANSWER_WITHIN_S = 20.0
_CSRF_FIELD = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')


class Answer:
    """An HTTP answer: status, JSON body (None when it is none), text. Status 0: nobody answered."""

    def __init__(self, status: int, body: bytes, url: str = "") -> None:
        self.status = status
        self.url = url
        self.text = body.decode(errors="replace")
        try:
            self.json: Any = json.loads(body)
        except ValueError:
            self.json = None

    def __repr__(self) -> str:
        return f"{self.status} {self.text[:500]}"


def ask(
    opener: urllib.request.OpenerDirector, request: urllib.request.Request, *, within_s: float = ANSWER_WITHIN_S
) -> Answer:
    """Send a request; every outcome is an answer."""
    try:
        with opener.open(request, timeout=within_s) as answer:
            return Answer(answer.status, answer.read(), answer.url)
    except urllib.error.HTTPError as error:
        return Answer(error.code, error.read(), error.url or "")
    except (OSError, http.client.HTTPException) as error:
        return Answer(0, str(error).encode())


class Api:
    """The API with one account's token; no cookies."""

    def __init__(self, url: str, token: str) -> None:
        self._url, self._token = url, token
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def send(self, method: str, path: str, body: object = None, *, within_s: float = ANSWER_WITHIN_S) -> Answer:
        """Send JSON; ``path`` begins with a slash."""
        request = urllib.request.Request(
            self._url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"},
        )
        return ask(self._opener, request, within_s=within_s)


class Person:
    """Somebody signed in with a browser's cookies: pages, forms with their CSRF token, the live socket."""

    def __init__(self, url: str, *, username: str, password: str) -> None:
        self._url = url
        self._cookies = http.cookiejar.CookieJar()
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor(self._cookies)
        )
        token = _CSRF_FIELD.search(self.get("/accounts/login/").text)
        assert token is not None, "the login page has no CSRF token"
        answer = self.post("/accounts/login/", csrf=token[1], login=username, password=password)
        assert answer.status == 200, answer
        assert "/accounts/login/" not in answer.url, "not let in"

    def get(self, path: str) -> Answer:
        """Ask for a page; redirects are followed."""
        return ask(self._opener, urllib.request.Request(self._url + path))

    def post(self, path: str, *, csrf: str | None = None, **fields: object) -> Answer:
        """Send a form as the page would, with its token and the headers of a browser."""
        given = {"csrfmiddlewaretoken": csrf or self._cookie("csrftoken"), **fields}
        return self._write("POST", path, urllib.parse.urlencode(given, doseq=True).encode())

    def send(self, method: str, path: str, body: object) -> Answer:
        """Send JSON on the session, as a script of the page would."""
        return self._write(method, path, json.dumps(body).encode(), {"Content-Type": "application/json"})

    def socket(self) -> ClientConnection:
        """Open the live socket on this session."""
        pairs = "; ".join(f"{cookie.name}={cookie.value}" for cookie in self._cookies)
        where = self._url.replace("http://", "ws://") + "/live/"
        return connect(where, origin=self._url, additional_headers={"Cookie": pairs}, proxy=None)  # type: ignore[arg-type]  # Origin is a str

    def _write(self, method: str, path: str, data: bytes, headers: dict[str, str] | None = None) -> Answer:
        browser = {
            "Origin": self._url,
            "Referer": self._url + path,
            "Sec-Fetch-Site": "same-origin",
            "X-CSRFToken": self._cookie("csrftoken"),
        }
        request = urllib.request.Request(
            self._url + path, method=method, data=data, headers={**browser, **(headers or {})}
        )
        return ask(self._opener, request)

    def _cookie(self, name: str) -> str:
        return next((cookie.value or "" for cookie in self._cookies if cookie.name == name), "")
