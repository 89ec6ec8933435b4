"""Causes by producer's word, by class name, by message."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlq.domain import classify


@pytest.mark.parametrize(
    ("error_type", "cause"),
    [
        ("json.decoder.JSONDecodeError", "format"),
        ("org.springframework.kafka.support.serializer.DeserializationException", "format"),
        ("org.apache.kafka.connect.errors.DataException", "format"),
        ("pydantic_core.ValidationError", "format"),
        ("shop.errors.PaymentDeclined", "business"),
        ("shop.errors.OutOfStock", "business"),
        ("com.acme.OrderNotFoundException", "business"),
        ("shop.errors.PaymentTimeout", "dependency"),
        ("java.net.ConnectException", "dependency"),
        ("requests.exceptions.ConnectionError", "dependency"),
        ("System.Net.Http.HttpRequestException", "dependency"),
        ("django.db.utils.OperationalError", "dependency"),
        ("java.lang.NullPointerException", "bug"),
        ("java.lang.NumberFormatException", "bug"),
        ("System.FormatException", "format"),
        ("KeyError", "bug"),
        ("System.Collections.Generic.KeyNotFoundException", "bug"),
        ("java.lang.ClassNotFoundException", "bug"),
        ("ModuleNotFoundError", "bug"),
        ("java.lang.OutOfMemoryError", "resource"),
        ("org.apache.kafka.common.errors.RecordTooLargeException", "resource"),
        ("com.acme.Weird", "unknown"),
        ("", "unknown"),
    ],
)
def test_the_class_name_tells_the_cause(error_type: str, cause: str) -> None:
    assert classify.classify(error_type=error_type, message="") == cause


@pytest.mark.parametrize(
    ("message", "cause"),
    [
        ("upstream answered 503", "dependency"),
        ("connect ECONNREFUSED 10.0.0.1:5432", "dependency"),
        ("Cannot read properties of undefined (reading 'id')", "bug"),
        ("Unexpected token < in JSON", "format"),
        ("insufficient funds", "business"),
        ("the record killed the consumer 3 times", "resource"),
    ],
)
def test_without_a_telling_class_the_message_does(message: str, cause: str) -> None:
    assert classify.classify(error_type="Error", message=message) == cause


def test_the_producers_own_word_comes_first_when_it_is_one_of_ours() -> None:
    assert classify.classify(error_type="KeyError", message="", hint="Dependency") == "dependency"
    assert classify.classify(error_type="KeyError", message="", hint="killed the consumer") == "resource"
    assert classify.classify(error_type="KeyError", message="", hint="whatever") == "bug"


@given(st.text(max_size=300), st.text(max_size=300), st.text(max_size=20))
def test_every_text_has_a_cause_and_every_cause_an_advice(error_type: str, message: str, hint: str) -> None:
    cause = classify.classify(error_type=error_type, message=message, hint=hint)
    assert cause in classify.CAUSES
    assert classify.advice(cause).text


def test_no_advice_tells_to_correct_a_letter_which_the_console_cannot_do() -> None:
    assert "the producer and send the event again" in classify.advice(classify.FORMAT).text
    assert not any("correct it" in each.text for each in classify.ADVICE.values())
