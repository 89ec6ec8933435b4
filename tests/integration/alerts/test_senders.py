"""What goes out, byte for byte, and what comes of receivers that answer badly, slowly, elsewhere or not at all."""

from __future__ import annotations

import socket
import time
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from standardwebhooks.webhooks import Webhook

from reliability.alerts.domain.channels import Channel, read
from reliability.alerts.domain.message import Message, Thing
from reliability.alerts.domain.telling import Event
from reliability.alerts.senders import guard, pagerduty, send, sending, slack
from reliability.kernel.clock import SYSTEM
from tests.support.network import refusing_port
from tests.support.receiver import Receiver, receiving

SECRET = "whsec_" + "c2VjcmV0" * 4
LOOPBACK = ["127.0.0.0/8"]
AT = datetime(2026, 3, 1, 3, 0, tzinfo=UTC)
HOSTILE = "<!channel> <script>{{7*7}} &amp; *bold* \u202eevil"
MESSAGE = Message(
    event=Event.TRIGGER,
    dedup_key="mainstay/test/1-20260301030000",
    title="payments is stuck",
    severity="crit",
    rule="critical",
    environment="test",
    since="2026-03-01T03:00:00Z",
    at="2026-03-01T03:00:05Z",
    things=(Thing(title="payments is stuck", detail=HOSTILE),),
    count=1,
    url="https://mainstay.example/alerts/incidents/1/",
)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


def webhook(receiver: Receiver, **more: Any) -> Channel:
    return read("hook", {"kind": "webhook", "url": receiver.url, "secret": SECRET, "allow": LOOPBACK, **more})


def test_a_webhook_is_signed_so_that_the_standards_own_library_takes_it(receiver: Receiver) -> None:
    answer = send(webhook(receiver), MESSAGE, number="msg-7", now=SYSTEM.now())
    assert (answer.is_taken, answer.status) == (True, 200)
    ((headers, body),) = receiver.requests
    told = Webhook(SECRET).verify(body, headers)
    assert (told["event"], told["dedup_key"], told["things"][0]["detail"]) == ("trigger", MESSAGE.dedup_key, HOSTILE)
    assert headers["webhook-id"] == "msg-7"
    with pytest.raises(Exception, match="No matching signature"):
        Webhook(SECRET).verify(body.replace(b"stuck", b"fine!"), headers)


def test_a_secret_as_the_settings_say_to_make_one_is_the_librarys_own(receiver: Receiver) -> None:
    secret = f"whsec_{b64encode(bytes(range(223, 255))).decode()}"  # with + and /
    send(webhook(receiver, secret=secret), MESSAGE, number="msg-1", now=SYSTEM.now())
    ((headers, body),) = receiver.requests
    assert Webhook(secret).verify(body, headers)


@pytest.mark.parametrize(
    ("status", "says"),
    [
        (500, "cannot take it now"),
        (503, "cannot take it now"),
        (429, "cannot take it now"),
        (404, "refuses it"),
        (401, "refuses"),
    ],
)
def test_what_is_not_taken_is_said_with_its_status(receiver: Receiver, status: int, says: str) -> None:
    receiver.answer, receiver.headers, receiver.body = status, {"Retry-After": "17"}, b"secret words of the receiver"
    answer = send(webhook(receiver), MESSAGE, number="msg-1", now=AT)
    assert (answer.is_taken, answer.is_final, answer.status) == (False, False, status)
    assert says in answer.text
    assert "secret words" not in answer.text
    assert answer.retry_after_s == (17.0 if says.startswith("cannot") else None)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(receiver: Receiver, status: int) -> None:
    with receiving() as elsewhere:
        receiver.answer, receiver.headers = status, {"Location": elsewhere.url}
        answer = send(webhook(receiver), MESSAGE, number="msg-1", now=AT)
        assert "redirect" in answer.text
        assert elsewhere.requests == []


@pytest.mark.parametrize("how", ["hang", "close", "garbage", "drip"])
def test_one_that_answers_slowly_or_nonsense_is_left_within_its_time(receiver: Receiver, how: str) -> None:
    receiver.answer = how
    began = time.monotonic()
    answer = send(webhook(receiver, timeout_s=1.0), MESSAGE, number="msg-1", now=AT)
    assert not answer.is_taken
    assert time.monotonic() - began < 10  # a thread may wait for the other core


def test_an_answer_without_end_is_not_read(receiver: Receiver) -> None:
    receiver.body = b"x" * 50_000_000
    began = time.monotonic()
    assert send(webhook(receiver), MESSAGE, number="msg-1", now=AT).is_taken
    assert time.monotonic() - began < 10


def test_where_nobody_listens_it_says_so() -> None:
    url = f"http://127.0.0.1:{refusing_port()}/hook"
    channel = read("hook", {"kind": "webhook", "url": url, "secret": SECRET, "allow": LOOPBACK})
    answer = send(channel, MESSAGE, number="msg-1", now=AT)
    assert not answer.is_taken
    assert "refused" in answer.text.lower()


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "2130706433", "0x7f000001", "017700000001", "127.1", "[::ffff:127.0.0.1]"]
)
def test_this_machine_is_not_told_however_it_is_written(receiver: Receiver, host: str) -> None:
    url = f"http://{host}:{receiver.port}/hook"
    channel = read("hook", {"kind": "webhook", "url": url, "secret": SECRET})
    answer = send(channel, MESSAGE, number="msg-1", now=AT)
    assert not answer.is_taken
    assert receiver.requests == []
    if host in ("127.0.0.1", "localhost", "[::ffff:127.0.0.1]"):
        assert "was not sent: " in answer.text
        assert 'this machine itself; a channel that is to reach it says "allow": ["' in answer.text


@pytest.mark.parametrize("address", ["169.254.169.254", "10.0.0.1", "100.100.100.200", "0.0.0.0"])
def test_a_name_that_resolves_to_a_forbidden_address_is_caught_when_it_is_connected_to(
    monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    def resolves(host: str, port: int, *args: Any, **kwargs: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(socket, "getaddrinfo", resolves)
    for given in (
        {"kind": "webhook", "url": "https://hook.example/x", "secret": SECRET},
        {"kind": "slack", "url": "https://hook.example/x"},
        {"kind": "pagerduty", "url": "https://hook.example/x", "routing_key": "k" * 32},
        {"kind": "email", "host": "mail.example", "port": 25, "sender": "a@b.example", "to": ["c@d.example"]},
        {"kind": "apprise", "url": "json://hook.example/x"},
    ):
        answer = send(read("it", given), MESSAGE, number="msg-1", now=AT)
        assert not answer.is_taken
        assert "was not sent: " in answer.text or given["kind"] == "apprise"


def test_apprise_reaches_what_its_channel_allows_and_nothing_else(receiver: Receiver) -> None:
    given = {"kind": "apprise", "url": f"json://127.0.0.1:{receiver.port}/hook"}
    assert not send(read("a", given), MESSAGE, number="msg-1", now=AT).is_taken
    assert receiver.requests == []
    assert send(read("a", {**given, "allow": LOOPBACK}), MESSAGE, number="msg-1", now=AT).is_taken
    assert receiver.bodies[0]["title"] == "[test] payments is stuck"
    unknown = send(read("a", {**given, "url": "nothing://x"}), MESSAGE, number="msg-1", now=AT)
    assert unknown.is_final


def test_what_is_not_sending_connects_as_it_likes(receiver: Receiver) -> None:
    with guard.watched((), seconds=5):
        pass
    socket.create_connection(("127.0.0.1", receiver.port), timeout=5).close()


def test_pagerduty_gets_trigger_acknowledge_and_resolve_with_one_key(receiver: Receiver) -> None:
    channel = read("p", {"kind": "pagerduty", "routing_key": "k" * 32, "url": receiver.url, "allow": LOOPBACK})
    receiver.answer = 202
    for event in (Event.TRIGGER, Event.WORSE, Event.REMINDER, Event.ACKNOWLEDGE, Event.RESOLVE):
        assert send(channel, replace(MESSAGE, event=event), number="msg-1", now=AT).is_taken
    told = receiver.bodies
    assert [each["event_action"] for each in told] == ["trigger", "trigger", "trigger", "acknowledge", "resolve"]
    assert {each["dedup_key"] for each in told} == {MESSAGE.dedup_key}
    assert {each["routing_key"] for each in told} == {"k" * 32}
    payload = told[0]["payload"]
    assert (payload["summary"], payload["severity"]) == ("[test] payments is stuck", "critical")
    assert told[0]["links"] == [{"href": MESSAGE.url, "text": "Incident"}]
    assert "payload" not in told[4]
    long = pagerduty.event_of(channel, replace(MESSAGE, title="x" * 5_000, dedup_key="d" * 999))
    assert len(long["payload"]["summary"]) <= 1_024
    assert len(long["dedup_key"]) == 255


def test_slack_gets_text_in_which_nothing_calls_anybody(receiver: Receiver) -> None:
    channel = read("s", {"kind": "slack", "url": receiver.url, "allow": LOOPBACK})
    assert send(channel, MESSAGE, number="msg-1", now=AT).is_taken
    text = receiver.bodies[0]["text"]
    assert "<!channel>" not in text
    assert "&lt;!channel&gt;" in text
    assert len(slack.text_of(replace(MESSAGE, things=(Thing(title="y" * 9_000),) * 10))) <= 3_000


class Mailbox:
    """Keeps mails; ``answer`` is what the mailer says to each."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.answer = "250 OK"
        self.goodbye = "221 Bye"

    async def handle_QUIT(self, server: Any, session: Any, envelope: Any) -> str:
        return self.goodbye

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.answer.startswith("250"):
            self.mails.append(message_from_bytes(envelope.content, policy=default))
        return self.answer


@pytest.fixture
def mailer() -> Iterator[tuple[Mailbox, Channel]]:
    box = Mailbox()
    controller = Controller(box, hostname="127.0.0.1", port=refusing_port())
    controller.start()
    given = {
        "kind": "email",
        "host": "127.0.0.1",
        "port": controller.port,
        "security": "none",
        "sender": "mainstay@shop.example",
        "to": ["oncall@shop.example"],
        "allow": LOOPBACK,
    }
    yield box, read("mail", given)
    controller.stop()


def test_mails_about_one_incident_are_one_thread(mailer: tuple[Mailbox, Channel]) -> None:
    box, channel = mailer
    evil = replace(MESSAGE, title="payments\r\nBcc: everybody@shop.example")
    assert send(channel, evil, number="msg-1", now=AT).is_taken
    assert send(channel, replace(MESSAGE, event=Event.RESOLVE), number="msg-2", now=AT).is_taken
    first, last = box.mails
    assert first["Bcc"] is None
    assert last["References"] == first["Message-ID"]
    assert last["Subject"] == "[test] Over: payments is stuck"
    assert HOSTILE in first.get_content()
    assert first["Auto-Submitted"] == "auto-generated"


def test_a_mail_that_was_taken_is_taken_however_the_mailer_says_goodbye(mailer: tuple[Mailbox, Channel]) -> None:
    box, channel = mailer
    box.goodbye = "421 too busy to say goodbye"
    assert send(channel, MESSAGE, number="msg-1", now=AT).is_taken
    assert len(box.mails) == 1


def test_what_is_said_of_a_failure_holds_no_part_of_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    secret = "https://hooks.example/services/" + "s" * 100
    channel = read("chat", {"kind": "slack", "url": secret})

    def fail(*_: object) -> None:
        raise OSError(f"{'x' * 250} {secret}")

    monkeypatch.setitem(sending.SENDERS, "slack", fail)
    assert "hooks.example" not in send(channel, MESSAGE, number="msg-1", now=AT).text


def test_a_mailer_that_refuses_or_offers_no_encryption_takes_nothing(mailer: tuple[Mailbox, Channel]) -> None:
    box, channel = mailer
    box.answer = "451 come again"
    assert "451" in send(channel, MESSAGE, number="msg-1", now=AT).text
    box.answer = "250 OK"
    secure = replace(channel, security="starttls", password="p" * 30, username="u")
    answer = send(secure, MESSAGE, number="msg-1", now=AT)
    assert not answer.is_taken
    assert "STARTTLS" in answer.text
    assert box.mails == []
