"""What is read of a group before its offsets are reset, and what of it forbids that."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager

from reliability.kafka import clusters, ports
from reliability.kernel.errors import Refused
from reliability.kernel.record import TopicPartition
from reliability.lag.domain import reset as rules
from reliability.lag.domain.reset import Target
from reliability.lag.models import Group, Reset

ANSWER_S, LOOKS_S = 5.0, 10.0
"""Somebody waits for the page: no question to the cluster takes longer than the first, all of them than the second."""


class Forbidden(Refused):
    """This group cannot be reset now."""

    code = "reset-forbidden"

    def __init__(self, reasons: list[str]) -> None:
        super().__init__(" ".join(reasons))
        self.reasons = reasons


class ClusterSilent(Refused):
    """The cluster does not answer."""

    code = "cluster-silent"
    status = 503


@contextmanager
def asking(cluster: str) -> Iterator[ports.GroupAdmin]:
    """Yield a client for one act and close it. What the cluster does not answer becomes ``ClusterSilent``."""
    try:
        admin = clusters.group_admin(cluster, client_id="mainstay-console", answer_s=ANSWER_S, looks_s=LOOKS_S)
    except (ports.Unavailable, ports.Unsupported, clusters.UnknownCluster) as error:
        raise _silent(cluster, error) from error
    try:
        yield admin
    except (ports.Unavailable, ports.Unsupported) as error:
        raise _silent(cluster, error) from error
    finally:
        admin.close()


def _silent(cluster: str, error: Exception) -> ClusterSilent:
    if isinstance(error, ports.Unavailable):
        what = f"The cluster {cluster} does not answer: {error}".rstrip(".")
        return ClusterSilent(f"{what}. Nothing was changed. Try again when it does; doctor says what is found.")
    if isinstance(error, ports.Unsupported):
        what = f"The cluster {cluster} cannot do this: {error}".rstrip(".")
        return ClusterSilent(f"{what}. Nothing was changed. A broker with groups and its own profile are needed.")
    return ClusterSilent(
        f"The cluster {cluster} is no longer configured. Nothing was changed. Name it in KAFKA_CLUSTERS again."
    )


def listing(group: Group, admin: ports.GroupAdmin) -> ports.GroupListing:
    """Return the group as its cluster lists it. Raises ``Forbidden``, ``ports.Unavailable``."""
    for each in admin.groups():
        if each.name == group.name:
            return each
    raise Forbidden(["The cluster knows no such group any more: it was deleted, or its commits expired."])


def commits(group: Group, admin: ports.GroupAdmin) -> dict[TopicPartition, int]:
    """Return what the group has committed. Raises ``Forbidden``, ``ports.Unavailable``."""
    found = admin.commits([group.name])[group.name]
    if isinstance(found, ports.Problem):
        raise Forbidden([f"Its commits cannot be read ({found.message}): mend this first."])
    return dict(found)


def positions(
    found: Mapping[TopicPartition, int], target: Target, topics: Collection[str], admin: ports.GroupAdmin
) -> list[rules.Position]:
    """Return what is known of each partition that a plan is about."""
    wanted = set(target.offsets) if target.how is rules.How.FILE else set()
    layout = admin.layout()
    read = {place.topic for place in found}
    # All partitions of a topic that it reads, like Kafka's own tool: one without a commit may have records by now.
    everywhere = wanted or [place for place in layout if place.topic in read]
    places = {place for place in [*found, *everywhere] if place.topic in topics and place in layout}
    starts, ends = admin.starts(places), admin.ends(places, stable=True)
    at_time = admin.first_since(places, timestamp_ms=target.time_ms or 0) if target.how is rules.How.TIME else {}
    return [
        _position(place, found.get(place), starts.get(place), ends.get(place), at_time.get(place)) for place in places
    ]


def _position(
    place: TopicPartition,
    committed: int | None,
    start: int | ports.Problem | None,
    end: int | ports.Problem | None,
    at_time: int | ports.Problem | None,
) -> rules.Position:
    problem = next((each.message for each in (start, end, at_time) if isinstance(each, ports.Problem)), "")
    first, last, timed = (each if isinstance(each, int) else None for each in (start, end, at_time))
    return rules.Position(place, committed, first, last, timed, problem)


def refuse_unless_idle(
    listed: ports.GroupListing,
    found: Mapping[TopicPartition, int],
    group: Group,
    admin: ports.GroupAdmin,
    *,
    topics: Collection[str],
) -> None:
    """Raise ``Forbidden`` while somebody reads as this group. Names only partitions of ``topics``."""
    described = admin.describe([listed])[listed.name]
    problems = [f"Its members cannot be read ({described.message})"] if isinstance(described, ports.Problem) else []
    count = 0 if isinstance(described, ports.Problem) else len(described.members)
    state = listed.state if isinstance(described, ports.Problem) else described.state
    moving = _moving(found, group)
    named = [place for place in moving if place.topic in topics]
    if moving and not named:
        problems.append("Commits of its other topics still move though it has no members")
    reasons = rules.guards(state=state, members=count, moving=named, problems=problems)
    if reasons:
        raise Forbidden(reasons)


def _moving(found: Mapping[TopicPartition, int], group: Group) -> list[TopicPartition]:
    """A commit that moved although the group was empty then and is now: somebody reads without being a member."""
    was = {TopicPartition(row[0], row[1]): row[4] for row in group.rows} if group.empty_since else {}
    moving = [place for place, committed in found.items() if was.get(place) is not None and was[place] != committed]
    if moving and Reset.objects.filter(group=group, ended_at__gt=group.polled_at).exists():
        return []  # it was us
    return moving
