"""What the frame of every page shows: its pages, who is signed in, how times and colours are wanted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest
from django.urls import reverse

from reliability import access
from reliability.access import oidc
from reliability.console import queries
from reliability.console.domain.pages import DEMO, HOUSE, WORK, PageLink
from reliability.console.domain.times import Times, times_of
from reliability.kernel import clock
from reliability.live import fragment

THEMES = ("light", "dark")
ATTENTION_KEPT_S = (
    0.4  # less than the rail waits after a hint (data-settle), so no hint is answered with what was before
)
ROOMS = {"dlq": "letters", "audit": "activity", "orders": "demo"}
"""Pages of a room whose slug is another one than the room's name."""
SAME = ("outbox", "lag", "breakers", "degradation", "sagas", "reconcile", "alerts")
BROKERS = {"kafka": "Apache Kafka, embedded", "in-process": "in-process broker", "external": "external Kafka"}
PLACE = "mainstay.place"


def place(request: HttpRequest, slug: str) -> None:
    """Have the rail show a page as a part of ``slug``: one that belongs to another room than its address says."""
    request.META[PLACE] = slug


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A line of the rail as it is drawn."""

    page: PageLink
    url: str
    here: bool
    count: int
    status: str


class Shell:
    """Everything the frame asks for, worked out when it asks: an error page may ask for little."""

    version: str = settings.MAINSTAY_VERSION

    def __init__(self, request: HttpRequest, *, attention: queries.Attention | None = None) -> None:
        """``attention`` where the page has read it already."""
        self._request = request
        self._attention = attention
        self.now: datetime = clock.SYSTEM.now()

    @cached_property
    def actor(self) -> access.Actor | None:
        """Who is signed in, if anybody."""
        actor = access.actor_of(self._request)
        return actor if actor.is_signed_in else None

    @property
    def theme(self) -> str:
        """ "light", "dark", or "" for what the system says."""
        choice = self._request.COOKIES.get("mainstay_theme", "")
        return choice if choice in THEMES else ""

    @cached_property
    def times(self) -> Times:
        """How times are shown."""
        return times_of(self._request.COOKIES.get("mainstay_time", ""))

    @property
    def keys(self) -> bool:
        """Whether single keys act."""
        return self._request.COOKIES.get("mainstay_keys") != "off"

    @property
    def environment(self) -> str:
        """The name of what is being operated."""
        return str(settings.MAINSTAY_ENVIRONMENT_NAME)

    @property
    def production(self) -> bool:
        """Whether a mistake here is costly: the bar's edge says so."""
        return self.environment.lower().startswith("prod")

    @property
    def broker(self) -> str:
        """Which broker this is."""
        return BROKERS.get(settings.MAINSTAY_BROKER, settings.MAINSTAY_BROKER)

    @property
    def read_only(self) -> str:
        """Why nobody can act here, or ""."""
        return str(access.ReadOnly.__doc__) if access.is_read_only() else ""

    @property
    def provider(self) -> str:
        """What the identity provider is called; "" where people sign in by password alone."""
        config = oidc.current()
        return config.name if config is not None else ""

    @property
    def notice(self) -> str:
        """What everybody must know on every page, or ""."""
        if settings.MAINSTAY_BROKER != "in-process":
            return ""
        return (
            "In-process broker: no consumer group members, no topic creation, no fencing; its records die with it. "
            f"{settings.MAINSTAY_BROKER_REASON}"
        ).strip()

    @cached_property
    def here(self) -> str:
        """The slug of the page being shown; a fragment of the rail is told."""
        match = self._request.resolver_match
        if match is None:
            return ""
        if PLACE in self._request.META:
            return str(self._request.META[PLACE])
        if match.view_name == "console:rail":
            return self._request.GET.get("at", "")
        room = match.namespace or ""
        return room if room in SAME else ROOMS.get(room, match.url_name or "")

    @cached_property
    def attention(self) -> queries.Attention:
        """What needs a person, as this one may see it; read anew every moment, however many pages are open."""
        if self._attention is not None:
            return self._attention
        actor = self.actor
        if actor is None or self._request.path.startswith("/accounts/"):
            return queries.Attention(items=[])
        key = f"attention:{actor.role}:{'' if actor.scopes.is_everything else actor.user_id}"
        known: queries.Attention | None = cache.get(key)
        if known is None:
            known = queries.attention(actor=actor)
            cache.set(key, known, ATTENTION_KEPT_S)
        return known

    @property
    def attention_version(self) -> str:
        """The hash of what the rail shows."""
        return fragment.version_of([self.attention.by_page, self.here])

    @cached_property
    def pages(self) -> list[list[Entry]]:
        """The rail, in its parts: work, house, and the demo where it runs."""
        parts = [WORK, HOUSE, *([(DEMO,)] if settings.MAINSTAY_DEMO else [])]
        return [[self._entry(page) for page in part if self._sees(page)] for part in parts]

    def _sees(self, page: PageLink) -> bool:
        return (
            self.actor is not None
            and self.actor.role is not None
            and self.actor.role.covers(access.RIGHTS[page.act].role)
        )

    def _entry(self, page: PageLink) -> Entry:
        count, status = self.attention.by_page.get(page.slug, (0, ""))
        return Entry(page=page, url=reverse(page.route), here=page.slug == self.here, count=count, status=status)


def shell(request: HttpRequest) -> dict[str, object]:
    """The context processor: one lazy object for the frame."""
    return {"shell": Shell(request)}
