"""What libraries say of a connection that fails, in our words."""

from __future__ import annotations

import pytest

from reliability.kafka import ports, troubles
from reliability.kafka.confluent.reasons import FRESH_S, LastReason
from reliability.kernel.clock import ManualClock


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "Handshake failed: [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: certificate has expired",
            "expired",
        ),
        ("certificate verify failed: IP address mismatch, certificate is not valid for '127.0.0.1'.", "another name"),
        ("certificate verify failed: unable to get local issuer certificate (_ssl.c:1006)", "no authority"),
        ("broker certificate could not be verified, verify that ssl.ca.location is", "not accepted"),
        ("[SSL: SSLV3_ALERT_BAD_CERTIFICATE] sslv3 alert bad certificate", "wants a certificate of ours"),
        ("SASL authentication error: Authentication failed: Invalid username or password", "does not accept the login"),
        ("[SSL: UNEXPECTED_EOF_WHILE_READING] EOF occurred in violation of protocol", "speaks no TLS"),
    ],
)
def test_known_words_become_a_sentence_with_the_words_behind_it(text: str, told: str):
    assert told in troubles.said(text)
    assert troubles.told(text).endswith(f"({text})")


def test_unknown_words_stay_as_they_are():
    assert troubles.said("Connection refused") == ""
    assert troubles.told("Connection refused") == "Connection refused"


class Told:
    def __init__(self, name: str, text: str) -> None:
        self._code, self._text = name, text

    def code(self) -> object:
        return self._code

    def str(self) -> str:
        return self._text


def test_a_reason_of_a_moment_ago_is_told_and_an_old_one_is_not():
    time = ManualClock()
    reason = LastReason(time=time)
    failure = ports.Unavailable("topics: transport failure")
    assert reason.added_to(failure) is failure
    reason.met(Told("_SSL", "broker certificate could not be verified"))  # type: ignore[arg-type]
    assert "ssl.ca.location" in str(reason.added_to(failure))
    time.advance(FRESH_S + 1)
    assert reason.added_to(failure) is failure
