"""The search grammar: what it reads, what it refuses and how it says so."""

from __future__ import annotations

import contextlib
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlq.domain import search
from dlq.domain.search import Term


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("", []),
        ("   ", []),
        ("topic:orders", [Term(field="topic", values=("orders",))]),
        ("topic:orders,refunds", [Term(field="topic", values=("orders", "refunds"))]),
        ("-state:resolved", [Term(field="state", values=("resolved",), negated=True)]),
        ("header.tenant:acme", [Term(field="header", name="tenant", values=("acme",))]),
        ('header."x y":"a, b:c"', [Term(field="header", name="x y", values=("a, b:c",))]),
        ("json.order.id:17", [Term(field="json", name="order.id", values=("17",))]),
        ("age>2h", [Term(field="age", sign=">", values=("7200",))]),
        ("failure:12,15", [Term(field="failure", values=("12", "15"))]),
        (
            '"no answer: 17" late',
            [Term(field="words", values=("no answer: 17",)), Term(field="words", values=("late",))],
        ),
        ('error:"card declined"', [Term(field="error", values=("card declined",))]),
        ('"unclosed quote', [Term(field="words", values=("unclosed quote",))]),
        ("-", [Term(field="words", values=("-",))]),
        ("key:a=b", [Term(field="key", values=("a=b",))]),
        ("17:30", [Term(field="words", values=("17:30",))]),
    ],
)
def test_it_reads_terms(text: str, terms: list[Term]) -> None:
    assert list(search.parse(text).terms) == terms


@pytest.mark.parametrize("word", ["ord-1", "17:30", "two words", "a,b", "-", "é", "key:x"])
def test_a_word_can_be_asked_for_as_a_whole_key(word: str) -> None:
    assert list(search.parse(search.key_term(word)).terms) == [Term(field="key", values=(word,))]


def test_a_term_knows_its_path_and_age() -> None:
    assert search.parse("json.a.0.b:x").terms[0].path == ("a", "0", "b")
    assert search.parse("age<90s").terms[0].age == timedelta(seconds=90)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("colour:red", 'There is no field "colour"'),
        ("http://x", 'There is no field "http"'),
        ("state:dead", "it is one of open, replaying"),
        ("cause:magic", "it is one of format, business"),
        ("topic:", "what shall topic be?"),
        ("topic:,,", "what shall topic be?"),
        ("header:acme", "header.tenant:acme"),
        ("topic.x:acme", "topic means"),
        ("age:2h", "only age is compared"),
        ("topic>2", "only age is compared"),
        ("age>soon", "as in age>2h"),
        ("failure:x", "named by its number"),
        ("a " * 21, "at most 20 terms"),
        ("x" * 1001, "at most 1000 characters"),
        ("a\x00b", "NUL"),
        ("failure:" + ",".join("1" * 201), "at most 200 alternatives"),
    ],
)
def test_what_it_refuses_it_explains(text: str, said: str) -> None:
    with pytest.raises(search.BadSearch, match=said.replace("?", r"\?").replace(".", r"\.")):
        search.parse(text)


@given(st.text(alphabet=st.sampled_from("ab:.\"<>-,* \ttopicgejsnhadr0'\\é"), max_size=60))
def test_any_text_is_a_search_or_refused(text: str) -> None:
    with contextlib.suppress(search.BadSearch):
        found = search.parse(text)
        assert all(term.values and term.field in (*search.FIELDS, search.WORDS) for term in found.terms)
