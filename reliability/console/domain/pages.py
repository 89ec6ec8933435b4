"""The pages of the rail: what they are called, where they are, who may see them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class PageLink:
    """One line of the rail. ``key`` follows g; ``minor`` has no place at the bottom of a narrow screen."""

    slug: str
    title: str
    route: str
    act: str
    key: str = ""
    minor: bool = False


WORK = (
    PageLink(slug="overview", title="Overview", route="console:overview", act="overview.view", key="o"),
    PageLink(slug="lag", title="Lag", route="lag:groups", act="lag.view", key="l"),
    PageLink(slug="letters", title="Dead letters", route="dlq:groups", act="letters.view", key="d"),
    PageLink(slug="sagas", title="Sagas", route="sagas:sagas", act="sagas.view", key="s"),
    PageLink(slug="breakers", title="Breakers", route="breakers:wall", act="breakers.view", key="c", minor=True),
    PageLink(
        slug="degradation",
        title="Degradation",
        route="degradation:flags",
        act="degradation.view",
        key="f",
        minor=True,
    ),
    PageLink(slug="outbox", title="Outbox", route="outbox:outbox", act="outbox.view", key="b"),
    PageLink(slug="reconcile", title="Reconcile", route="reconcile:findings", act="reconcile.view", key="x"),
)
HOUSE = (
    PageLink(slug="activity", title="Activity", route="audit:activity", act="activity.view", key="a"),
    PageLink(slug="alerts", title="Alerts", route="alerts:board", act="alerts.view", key="n", minor=True),
    PageLink(slug="settings", title="Settings", route="console:settings", act="settings.view", key="e", minor=True),
)
DEMO = PageLink(slug="demo", title="Demo shop", route="orders:demo", act="orders.view", key="h", minor=True)
