"""Dead-letter topics: which we subscribe to, as whom, and what became of them."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from datetime import datetime

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from dlq.models import LetterGroup, Source

READER_GROUP = "mainstay-letters"
DEFAULT_PATTERNS = (
    r"^.*[-._](dlt|DLT|dlq|DLQ)$",
    r"^dlq\..*$",
    r"^.*dead[-_]letter.*$",
    r"^error\..*\..*$",
    r"^.*_(error|skipped)$",
)


def reader_group() -> str:
    """Return the consumer group under which the letters process reads; its committed offsets say what is stored."""
    return str(getattr(settings, "DLQ_READER_GROUP", READER_GROUP))


def topic_pattern() -> str:
    """Return one pattern for the whole name of every dead-letter topic; raises when a configured one is no pattern."""
    patterns: Collection[str] = getattr(settings, "DLQ_TOPIC_PATTERNS", None) or DEFAULT_PATTERNS
    for pattern in patterns:
        try:
            re.compile(pattern)
        except re.error as error:
            raise ImproperlyConfigured(
                f"DLQ_TOPIC_PATTERNS: {pattern!r} is no regular expression ({error}); an example: '^.*-dlt$'."
            ) from error
    return "|".join(f"({pattern.removeprefix('^').removesuffix('$')})" for pattern in patterns)


def topics_of(consumer_group: str) -> set[str]:
    """Return every dead-letter topic that letters of a consumer group came from."""
    found = LetterGroup.objects.filter(consumer_group=consumer_group).values_list("sources", flat=True)
    return {topic for topics in found for topic in topics}


def recreated(*, since: datetime, limit: int) -> Sequence[Source]:
    """Return topics that came back under another id, the newest first."""
    return list(Source.objects.filter(first_seen__gt=since).exclude(replaced_id="").order_by("-first_seen")[:limit])
