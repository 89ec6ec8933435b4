"""The group admin in memory: groups that joined through its broker's consumers, and what a test plays."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping

from reliability.kafka import ports
from reliability.kafka.memory.group import Group, Member
from reliability.kafka.memory.log import Log, Topic
from reliability.kafka.memory.play import Play
from reliability.kernel.record import TopicPartition

NOTE_BYTES_MAX = 4_096  # Kafka's own default
_BROKER = 1
_NO_LEADER = -1
_NO_OFFSET = ports.Problem(code="refused", message="an offset below 0 is none")
_FOREVER = ports.Retention(ms=604_800_000, bytes=None, deletes=True, compacts=False)


class MemoryGroupAdmin:
    """See `ports.GroupAdmin`."""

    def __init__(self, *, log: Log, groups: dict[str, Group], play: Play) -> None:
        self._log = log
        self._groups = groups
        self._play = play
        self._requests: Counter[int] = Counter()

    def groups(self) -> list[ports.GroupListing]:
        self._asked("groups")
        return [
            ports.GroupListing(
                name=name, state=description.state, protocol=description.protocol, type=self._type(name, description)
            )
            for name, description in sorted(self._described().items())
        ]

    def describe(self, groups: Collection[ports.GroupListing]) -> dict[str, ports.GroupDescription | ports.Problem]:
        self._asked("describe")
        described = self._described()
        return {group.name: self._description(group.name, described) for group in groups}

    def commits(self, groups: Collection[str]) -> dict[str, dict[TopicPartition, int] | ports.Problem]:
        self._asked("commits")
        with self._log.changed:
            return {
                name: self._play.group_problems.get(name)
                or (dict(self._groups[name].committed) if name in self._groups else {})
                for name in groups
            }

    def layout(self) -> dict[TopicPartition, int]:
        self._asked("layout")
        with self._log.changed:
            places = [TopicPartition(name, n) for name, topic in self._log.topics.items() for n in _numbers(topic)]
        return {place: self._play.leaders.get(place, _BROKER) for place in places}

    def starts(self, partitions: Collection[TopicPartition]) -> dict[TopicPartition, int | ports.Problem]:
        self._asked("starts")
        return {place: self._problem(place) or self._start(place) for place in partitions}

    def ends(
        self, partitions: Collection[TopicPartition], *, stable: bool
    ) -> dict[TopicPartition, int | ports.Problem]:
        self._asked("ends")
        end = self._stable_end if stable else self._end
        return {place: self._problem(place) or end(place) for place in partitions}

    def first_since(
        self, partitions: Collection[TopicPartition], *, timestamp_ms: int
    ) -> dict[TopicPartition, int | ports.Problem | None]:
        self._asked("first_since")
        return {place: self._problem(place) or self._first(place, timestamp_ms) for place in partitions}

    def retention(self, topics: Collection[str]) -> dict[str, ports.Retention | ports.Problem]:
        self._asked("retention")
        return {
            topic: self._play.topic_problems.get(topic)
            or (
                _missing(f"topic {topic}")
                if topic not in self._log.topics
                else self._play.retention.get(topic, _FOREVER)
            )
            for topic in topics
        }

    def offsets_kept_s(self) -> float | None:
        self._asked("offsets_kept_s")
        return self._play.offsets_kept_s

    def transactions(
        self, partitions: Collection[TopicPartition]
    ) -> dict[TopicPartition, list[ports.OpenTransaction] | ports.Problem]:
        self._asked("transactions")
        return {place: self._problem(place) or self._open(place) for place in partitions}

    def commit(
        self, group: str, offsets: Mapping[TopicPartition, int], *, note: str = ""
    ) -> dict[TopicPartition, ports.Problem | None]:
        self._asked("commit")
        with self._log.changed:
            refusal = self._refusal(group)
            if refusal is None and len(note.encode()) > NOTE_BYTES_MAX:
                refusal = ports.Problem(code="refused", message=f"the note has more than {NOTE_BYTES_MAX} bytes")
            outcome = {
                place: refusal or self._problem(place) or (None if offset >= 0 else _NO_OFFSET)
                for place, offset in offsets.items()
            }
            taken = {place: offset for place, offset in offsets.items() if outcome[place] is None}
            if taken:
                committed_by = self._groups.setdefault(group, Group(self._log))
                committed_by.committed.update(taken)
                committed_by.notes.update(dict.fromkeys(taken, note))
            return outcome

    def forget(self, group: str, partitions: Collection[TopicPartition]) -> dict[TopicPartition, ports.Problem | None]:
        self._asked("forget")
        with self._log.changed:
            refusal = self._refusal(group)
            if refusal is None and group in self._groups:
                for place in partitions:
                    self._groups[group].committed.pop(place, None)
                    self._groups[group].notes.pop(place, None)
            return dict.fromkeys(partitions, refusal)

    def requests(self) -> dict[int, int]:
        return dict(self._requests)

    def close(self) -> None:
        return None

    def _asked(self, call: str) -> None:
        self._log.require()
        if call in self._play.unsupported:
            raise ports.Unsupported(f"the broker has no such call: {call}")
        self._requests[_BROKER] += 1

    def _described(self) -> dict[str, ports.GroupDescription]:
        with self._log.changed:
            joined = {name: _as_described(name, group) for name, group in self._groups.items() if _exists(group)}
        return joined | self._play.groups

    def _description(
        self, name: str, described: Mapping[str, ports.GroupDescription]
    ) -> ports.GroupDescription | ports.Problem:
        if name in self._play.group_problems:
            return self._play.group_problems[name]
        if name not in described:
            return _missing(f"group {name}")
        if described[name].protocol in ("share", "streams"):
            return ports.Problem(code="unsupported", message=f"group {name}: its members are not asked for")
        return described[name]

    def _type(self, name: str, description: ports.GroupDescription) -> str:
        if name in self._play.groups:
            return self._play.types.get(name, description.protocol if description.protocol == "share" else "consumer")
        return self._play.types.get(name, self._groups[name].type)

    def _problem(self, place: TopicPartition) -> ports.Problem | None:
        told = self._play.topic_problems.get(place.topic) or self._play.partition_problems.get(place)
        if told is None and not self._log.exists(place):
            told = _missing(f"partition {place.partition} of topic {place.topic}")
        if told is None and self._play.leaders.get(place) == _NO_LEADER:
            told = ports.Problem(code="no_leader", message=f"{place}: no broker leads it")
        return told

    def _refusal(self, group: str) -> ports.Problem | None:
        if group in self._play.group_problems:
            return self._play.group_problems[group]
        described = self._described().get(group)
        if described is not None and described.members:
            return ports.Problem(code="refused", message=f"group {group}: the group has members")
        return None

    def _start(self, place: TopicPartition) -> int:
        return self._play.starts.get(place, self._log.start(place) or 0)

    def _end(self, place: TopicPartition) -> int:
        return self._play.ends.get(place, self._log.end(place) or 0)

    def _stable_end(self, place: TopicPartition) -> int:
        if place in self._play.stable_ends:
            return self._play.stable_ends[place]
        held = [transaction.first_offset for transaction in self._play.transactions.get(place, ())]
        return min([self._end(place), *held])

    def _open(self, place: TopicPartition) -> list[ports.OpenTransaction]:
        return sorted(self._play.transactions.get(place, ()), key=lambda transaction: transaction.first_offset)

    def _first(self, place: TopicPartition, timestamp_ms: int) -> int | None:
        with self._log.changed:
            records = self._log.topics[place.topic].partitions[place.partition]
            return next((record.offset for record in records if (record.timestamp_ms or 0) >= timestamp_ms), None)


def _exists(group: Group) -> bool:
    """Whether somebody joined it or committed for it: a name that was only asked for is no group."""
    return bool(group.type or group.members or group.committed)


def _as_described(name: str, group: Group) -> ports.GroupDescription:
    return ports.GroupDescription(
        name=name,
        state="stable" if group.members else "empty",
        protocol="classic",
        assignor="cooperative-sticky" if group.members else "",
        coordinator=_BROKER,
        members=tuple(_member(member) for member in group.members),
    )


def _member(member: Member) -> ports.GroupMember:
    return ports.GroupMember(
        id=f"{member.instance_id or member.client_id}-{id(member):x}",
        client_id=member.client_id,
        host="127.0.0.1",
        instance_id=member.instance_id,
        owns=frozenset(member.owned),
    )


def _numbers(topic: Topic) -> range:
    return range(len(topic.partitions))


def _missing(what: str) -> ports.Problem:
    return ports.Problem(code="missing", message=f"{what}: does not exist")
