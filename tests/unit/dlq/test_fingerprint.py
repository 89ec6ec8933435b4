"""Own frames across languages, normalised messages, fingerprints and titles."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlq.domain import fingerprint, stack

PYTHON = """Traceback (most recent call last):
  File "/app/shop/gateway.py", line 10, in call
    return self._send()
  File "/usr/lib/python3.11/site-packages/httpx/_client.py", line 914, in send
    raise ReadTimeout
httpx.ReadTimeout: timed out

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "/app/outbox/consume.py", line 50, in step
    handler(message)
  File "/app/shop/payments.py", line 88, in charge_card
    raise PaymentTimeout(order) from error
  File "/usr/lib/python3.11/contextlib.py", line 81, in inner
shop.errors.PaymentTimeout: order 12
"""
PYTHON_LIBRARY_ONLY = """Traceback (most recent call last):
  File "/usr/lib/python3.11/json/decoder.py", line 355, in raw_decode
json.decoder.JSONDecodeError: Expecting value
"""
JAVA = """org.springframework.kafka.listener.ListenerExecutionFailedException: Listener failed
\tat org.springframework.kafka.listener.KafkaMessageListenerContainer.invoke(KafkaMessageListenerContainer.java:2873)
\tat com.acme.boot.Main.main(Main.java:9)
\tSuppressed: java.io.IOException: close
\t\tat com.acme.io.Closer.close(Closer.java:4)
Caused by: com.acme.billing.CardDeclined: card 4711 declined
\tat java.base/java.util.Optional.orElseThrow(Optional.java:403)
\tat app//com.acme.billing.PaymentService$$EnhancerBySpringCGLIB$$1f2e.charge(<generated>)
\tat com.acme.billing.PaymentService.charge(PaymentService.java:42)
\t... 23 more
"""
JAVA_LAMBDA = """java.lang.NullPointerException
\tat com.acme.Orders.lambda$handle$3(Orders.java:7)
"""
KOTLIN = """java.lang.IllegalStateException: x
\tat kotlin.Result.throwOnFailure(Result.kt:3)
\tat com.acme.StockKt.reserve(Stock.kt:12)
"""
JAVASCRIPT = """Error: payment refused
    at Socket.onClose (node:net:1234:5)
    at async Gateway.send (/srv/app/node_modules/kafkajs/src/consumer.js:12:3)
    at async chargeCard (/srv/app/src/payments.ts:88:11)
    at Object.<anonymous> (/srv/app/src/main.js:3:1) {
  [cause]: Error: socket
      at connect (file:///srv/app/src/net.mjs:4:9)
}
"""
DOTNET = """System.Exception: outer
 ---> Acme.Billing.CardDeclined: declined
   at System.Threading.Tasks.Task.Wait()
   at Acme.Billing.PaymentService.<ChargeAsync>d__5.MoveNext() in /src/PaymentService.cs:line 42
   --- End of inner exception stack trace ---
   at MassTransit.Pipeline.Send[T](ConsumeContext`1 context)
"""
GO = """panic: runtime error: invalid memory address or nil pointer dereference
goroutine 18 [running]:
panic({0x5c1a20, 0x7f0e40})
\t/usr/local/go/src/runtime/panic.go:914 +0x21f
github.com/acme/billing/pkg/pay.(*Service).Charge(0xc000112000, {0xc00001a0a8, 0x4})
\t/src/billing/pkg/pay/service.go:88 +0x1d
main.main.func1()
\t/src/billing/main.go:12 +0x2a
"""


@pytest.mark.parametrize(
    ("trace", "expected", "function"),
    [
        (PYTHON, "shop/payments.charge_card", "charge_card"),
        (PYTHON_LIBRARY_ONLY, "json/decoder.raw_decode", "raw_decode"),
        (JAVA, "com.acme.billing.PaymentService.charge", "PaymentService.charge"),
        (JAVA_LAMBDA, "com.acme.Orders.handle", "Orders.handle"),
        (KOTLIN, "com.acme.StockKt.reserve", "StockKt.reserve"),
        (JAVASCRIPT, "src/net.connect", "connect"),
        (DOTNET, "Acme.Billing.PaymentService.ChargeAsync", "PaymentService.ChargeAsync"),
        (GO, "pay.Service.Charge", "Service.Charge"),
    ],
    ids=["python", "python-library", "java", "java-lambda", "kotlin", "javascript", "dotnet", "go"],
)
def test_it_finds_the_first_own_frame(trace: str, expected: str, function: str) -> None:
    frame = stack.first_own_frame(trace)
    assert frame is not None
    assert (frame.text, frame.function) == (expected, function)


def test_a_text_without_frames_has_none() -> None:
    assert stack.first_own_frame("it broke\n  at the worst moment") is None


def test_a_new_line_number_or_install_path_is_the_same_frame() -> None:
    moved = PYTHON.replace("line 88", "line 91").replace("/app/", "/srv/release-7/")
    assert stack.first_own_frame(moved) == stack.first_own_frame(PYTHON)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("order 17 not found", "order 18 not found"),
        ("order 550e8400-e29b-41d4-a716-446655440000 gone", "order 11111111-e29b-41d4-a716-446655440000 gone"),
        ("unknown field 'colour'", "unknown field 'size'"),
        ('key "a" (1)', 'key "b" (2)'),
        ("at 2026-11-21T10:00:00Z: late", "at 2026-12-01T11:00:01Z: late"),
        ("host 10.0.0.1:9092   refused", "host 10.0.0.2:9092 refused"),
        ("ORD-AB12 is closed", "ORD-CD34 is closed"),
    ],
)
def test_messages_that_differ_in_values_are_one(one: str, other: str) -> None:
    assert fingerprint.normalised(one) == fingerprint.normalised(other)


def test_messages_that_differ_in_words_are_two() -> None:
    assert fingerprint.normalised("can't open stock") != fingerprint.normalised("can't open payment")


def make(**changes: object) -> str:
    known = {"group": "g", "error_type": "E", "frame": None, "message": "m 1", "topic": "t", **changes}
    return fingerprint.fingerprint(**known)  # type: ignore[arg-type]  # a table of test values


def test_the_fingerprint_is_group_type_and_frame_or_message() -> None:
    frame = stack.first_own_frame(PYTHON)
    assert make() == make(message="m 2", topic="u")
    assert make() != make(group="h")
    assert make() != make(error_type="F")
    assert make(frame=frame) == make(frame=frame, message="quite another")
    assert make(error_type="", message="") != make(error_type="", message="", topic="u")


def test_titles_name_type_and_place() -> None:
    frame = stack.first_own_frame(PYTHON)
    named = {"error_type": "shop.errors.PaymentTimeout", "message": "order 12 late", "topic": "t"}
    assert fingerprint.title(frame=frame, **named) == "PaymentTimeout in charge_card"
    assert fingerprint.title(frame=None, **named) == "PaymentTimeout: order <n> late"
    assert fingerprint.title(error_type="", frame=None, message="", topic="t") == "No reason given in t"
    assert len(fingerprint.title(error_type="E" * 400, frame=None, message="", topic="t")) == 160


@given(st.text(max_size=400), st.text(max_size=60))
def test_no_text_ever_breaks_them(text: str, short: str) -> None:
    frame = stack.first_own_frame(text)
    fingerprint.fingerprint(group=short, error_type=text, frame=frame, message=text, topic=short)
    assert fingerprint.title(error_type=text, frame=frame, message=text, topic="t")


@pytest.mark.parametrize(
    "line",
    [
     "  at " + "/" * 400, "  at " + "a." * 200, " at x (" + ":1" * 200 + "x", "\tat " + "<x>" * 130,
     "  File \"" + "a" * 400,
     "'" * 400, "at a.b(" + "(" * 300, "a.go" * 100, "\t" + "x" * 390 + ".go:1", "at .<x>" + "_" * 380 + "!"],
)  # fmt: skip
def test_hostile_stacks_take_no_time(line: str) -> None:
    began = time.process_time()
    stack.first_own_frame.__wrapped__("\n".join([line] * 80))
    fingerprint.normalised(line * 10)
    assert time.process_time() - began < 1
