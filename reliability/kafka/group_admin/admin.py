"""Questions about groups and logs to a real cluster, many at once."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from reliability.kafka import ports
from reliability.kafka.group_admin import logs, members, noise, positions, profile
from reliability.kafka.group_admin.coordinators import Coordinators
from reliability.kafka.group_admin.places import Places
from reliability.kafka.group_admin.wire import Wire
from reliability.kernel import clock
from reliability.kernel.record import TopicPartition


class GroupAdmin:
    """See `ports.GroupAdmin`. No call takes longer than ``answer_s`` and a moment.

    ``looks_s``: for how long from now there are answers to questions that change nothing.
    """

    def __init__(
        self,
        settings: profile.Profile,
        *,
        client_id: str,
        answer_s: float,
        looks_s: float | None = None,
        time: clock.Clock = clock.SYSTEM,
    ) -> None:
        noise.tame()
        self._wire = Wire(profile.translated(settings), client_id=client_id, answer_s=answer_s, time=time)
        self._places = Places(self._wire, time=time)
        self._coordinators = Coordinators(self._wire, time=time)
        self._answer_s = answer_s
        self._time = time
        self._last_s = float("inf") if looks_s is None else time.monotonic() + looks_s

    def groups(self) -> list[ports.GroupListing]:
        return members.listing(self._wire, until_s=self._until_s(), time=self._time)

    def describe(self, groups: Collection[ports.GroupListing]) -> dict[str, ports.GroupDescription | ports.Problem]:
        return members.describe(self._coordinators, groups, until_s=self._until_s())

    def commits(self, groups: Collection[str]) -> dict[str, dict[TopicPartition, int] | ports.Problem]:
        return positions.fetched(self._coordinators, groups, until_s=self._until_s())

    def layout(self) -> dict[TopicPartition, int]:
        return self._places.layout(until_s=self._until_s())

    def starts(self, partitions: Collection[TopicPartition]) -> dict[TopicPartition, int | ports.Problem]:
        return self._listed(partitions, at=positions.EARLIEST)

    def ends(
        self, partitions: Collection[TopicPartition], *, stable: bool
    ) -> dict[TopicPartition, int | ports.Problem]:
        return self._listed(partitions, at=positions.LATEST, stable=stable)

    def first_since(
        self, partitions: Collection[TopicPartition], *, timestamp_ms: int
    ) -> dict[TopicPartition, int | ports.Problem | None]:
        # A time before 1970 would be one of Kafka's marks; every record is younger than that.
        told = self._listed(partitions, at=max(0, timestamp_ms))
        return {place: None if offset == positions.NOTHING else offset for place, offset in told.items()}

    def retention(self, topics: Collection[str]) -> dict[str, ports.Retention | ports.Problem]:
        return logs.retention(self._wire, topics, until_s=self._until_s())

    def offsets_kept_s(self) -> float | None:
        return logs.offsets_kept_s(self._wire, until_s=self._until_s())

    def transactions(
        self, partitions: Collection[TopicPartition]
    ) -> dict[TopicPartition, list[ports.OpenTransaction] | ports.Problem]:
        return logs.transactions(self._wire, self._places, partitions, until_s=self._until_s())

    def commit(
        self, group: str, offsets: Mapping[TopicPartition, int], *, note: str = ""
    ) -> dict[TopicPartition, ports.Problem | None]:
        return positions.committed(self._coordinators, group, offsets, note=note, until_s=self._in_full_s())

    def forget(self, group: str, partitions: Collection[TopicPartition]) -> dict[TopicPartition, ports.Problem | None]:
        return positions.deleted(self._coordinators, group, partitions, until_s=self._in_full_s())

    def requests(self) -> dict[int, int]:
        return dict(self._wire.sent)

    def close(self) -> None:
        self._wire.drop()

    def _listed(
        self, partitions: Collection[TopicPartition], *, at: int, stable: bool = False
    ) -> dict[TopicPartition, int | ports.Problem]:
        return positions.listed(self._wire, self._places, partitions, at=at, stable=stable, until_s=self._until_s())

    def _until_s(self) -> float:
        return min(self._in_full_s(), self._last_s)

    def _in_full_s(self) -> float:
        """For orders: one that is cut short may have been followed, or not."""
        return self._time.monotonic() + self._answer_s
