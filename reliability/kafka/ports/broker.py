"""What the project asks of Kafka: producer, consumer, reader and admin, with their semantics.

Three brokers answer to these Protocols: `confluent` (librdkafka on a real broker or on its
in-process mock) and `memory`. `tests/contracts/` runs one suite over all of them, so what is
written here is what is tested, and code that was tested on `memory` may trust it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from reliability.kernel.errors import Transient
from reliability.kernel.record import Header, Outgoing, Record, TopicPartition

Partitions = frozenset[TopicPartition]
OnPartitions = Callable[[Partitions], None]
OnAnswer = Callable[[int, int, "DeliveryError | None"], None]
"""Place of the record among those handed over, its offset (-1 with an error), the error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryError:
    """Why the broker, or the client before it, did not take a record.

    `permanent` means that sending the same record again cannot succeed until somebody changes
    something: too large, unknown topic or partition, not authorised, invalid. Everything else
    (timeouts, leaders moving, brokers away) is transient: send it again.
    """

    code: str
    message: str
    permanent: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """The broker's answer for one record: where it is now, or why it is not there."""

    topic: str
    partition: int
    offset: int
    """The offset it was written at; -1 when `error` is set."""
    error: DeliveryError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PartitionError:
    """Something that went wrong for one topic or partition while the consumer went on.

    `kind` is "fetch" (for example a topic deleted under the consumer), "commit" (offsets that
    were not accepted; commit them again) or "client" (the whole connection; `topic` is empty).
    """

    kind: str
    topic: str
    partition: int
    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupInfo:
    """A consumer group as the cluster lists it. `state` is lower case: stable, empty, ..."""

    name: str
    state: str


class BufferFull(Exception):
    """The producer's local queue is full: poll it, then produce again."""


class Rejected(Exception):
    """The client refused the record before sending it, and would refuse it again."""

    def __init__(self, error: DeliveryError) -> None:
        super().__init__(f"{error.code}: {error.message}")
        self.error = error


class ClientBroken(Exception):
    """The client met an error it cannot recover from (fenced, for example): close it, make another."""


class Unavailable(Transient):
    """The cluster did not answer in time, or not at all. Nothing is known; ask again later."""


class Unsupported(Exception):
    """This broker does not offer the call (the in-process broker has no groups, for example)."""


class Unreadable(Exception):
    """The asked range of a partition cannot be read: gone, unknown, or not within the deadline.

    Distinct from an empty answer: whoever searches for a record must not conclude that it is
    not there.
    """


class Producer(Protocol):
    """Sends records. Idempotent, acks from all replicas, order kept per partition."""

    def produce(
        self,
        *,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        headers: Sequence[Header] = (),
        partition: int | None = None,
        timestamp_ms: int | None = None,
        on_delivery: Callable[[Delivery], None] | None = None,
    ) -> None:
        """Queue one record and return at once.

        NULL and empty are different for key, value and header values; header order and
        duplicates are kept. `partition` None: chosen by murmur2 of the key, as Java does (by
        the client for a NULL key). `timestamp_ms` None: now.
        `on_delivery` is called exactly once, from `poll`, `flush` or `close` on the caller's
        thread. Raises BufferFull (poll and repeat), Rejected (never repeat unchanged) and
        ClientBroken.
        """

    def produce_many(self, records: Sequence[Outgoing], *, start: int, on_answer: OnAnswer) -> int:
        """Queue `records[start:]` in order, quickly, until one cannot be queued; return its place, or their count.

        `on_answer` is called once for each that was queued, as `on_delivery` is. Why one could not be queued,
        `produce` tells. Header names must be free of NUL and lone surrogates: they are not looked at here.
        """

    def poll(self, timeout_s: float = 0.0) -> int:
        """Serve delivery callbacks, waiting at most `timeout_s` for the first. How many ran."""

    def flush(self, timeout_s: float) -> int:
        """Wait until everything is answered, at most `timeout_s`. How many are still not."""

    def close(self, timeout_s: float = 10.0) -> int:
        """Flush, then give up what is left: each of those gets its callback with a transient
        error. How many were given up. The producer cannot be used afterwards."""


class Consumer(Protocol):
    """One member of a consumer group. Offsets are committed by hand, never by themselves.

    *Position* is the next offset `poll` will return; *committed* is what the group starts from
    after a rebalance. The callbacks of `subscribe` run inside `poll` and `close`, on the thread
    that called those, and may call `commit`, `pause`, `resume`, `seek` and `assignment`.
    """

    def subscribe(
        self,
        *,
        topics: Sequence[str] = (),
        pattern: str | None = None,
        on_assign: OnPartitions | None = None,
        on_revoke: OnPartitions | None = None,
        on_lost: OnPartitions | None = None,
    ) -> None:
        """Join the group for these topics and for those whose whole name matches `pattern`
        (POSIX extended syntax). Topics that appear later are found within five seconds.

        Cooperative: callbacks get only the partitions that come (`on_assign`) or go. In
        `on_revoke` the partitions are still ours: commit finished work there. In `on_lost` they
        are already somebody else's: commit nothing. A topic without a committed offset is read
        from its beginning.
        """

    def poll(self, *, max_records: int, timeout_s: float) -> list[Record]:
        """Records that are there, waiting at most `timeout_s` for the first; offsets of one
        partition ascend. Must be called more often than the group's poll interval.

        Never raises for one topic or partition: `errors` tells; raises ClientBroken. A record whose headers the
        client cannot decode has `headers=()` and `headers_unreadable=True`. One limit we cannot
        see past: the client cuts a header name at a NUL.
        """

    def errors(self) -> list[PartitionError]:
        """What went wrong since the last call, oldest first; at most 1000 are kept."""

    def commit(self, offsets: Mapping[TopicPartition, int], *, wait: bool) -> None:
        """Commit the *next* offset to read per partition. `wait` False: a refusal is told by
        `errors`. `wait` True: raises Unavailable when it is not known to be committed."""

    def pause(self, partitions: Collection[TopicPartition]) -> None:
        """Return no records of these until `resume`. Partitions not assigned are ignored."""

    def resume(self, partitions: Collection[TopicPartition]) -> None:
        """Undo `pause`: goes on after the last record that `poll` returned."""

    def seek(self, partition: TopicPartition, offset: int) -> None:
        """Make `offset` the next one `poll` returns of an assigned partition."""

    def assignment(self) -> Partitions:
        """What this member owns now."""

    def close(self) -> None:
        """Run `on_revoke` for what is owned, then leave the group (a static member stays in it
        until its session ends). Idempotent."""


class Reader(Protocol):
    """Reads a range of one partition, outside of any group."""

    def read(
        self, partition: TopicPartition, start_offset: int, end_offset: int, *, deadline_s: float
    ) -> Iterator[Record]:
        """Records with start <= offset < end, in order, then stop. Gaps (compaction, markers of
        transactions) are no error. Raises Unreadable when the range starts before the log does,
        the partition does not exist, or `deadline_s` seconds pass first."""

    def close(self) -> None:
        """Release the connection."""


class Admin(Protocol):
    """Questions and orders to a cluster. Every call has a deadline and raises Unavailable when
    it passes, Unsupported when the broker does not know the call."""

    def topics(self) -> dict[str, int]:
        """Topic name -> partition count, internal topics left out; at most 5 s old."""

    def partition_count(self, topic: str) -> int | None:
        """None when there is no such topic. At most 5 s old; None at most 0.5 s."""

    def brokers(self) -> list[str]:
        """host:port of each broker, as the cluster advertises it to this client. Asks the cluster each time."""

    def record_limits(self) -> dict[str, int]:
        """Topic name -> the largest record it takes, in bytes with Kafka's own overhead; the empty name
        stands for topics made later. Asks the cluster each time."""

    def topic_ids(self, topics: Collection[str]) -> dict[str, str]:
        """The ids that tell a recreated topic from its predecessor; topics that do not exist are left out,
        all of them by a broker that has no ids (the in-process one)."""

    def topic_id(self, topic: str) -> str | None:
        """The id of one topic, None when `topic_ids` leaves it out."""

    def create_topics(self, partitions: Mapping[str, int]) -> dict[str, DeliveryError | None]:
        """Create each with that many partitions; None = it exists now (created or before)."""

    def delete_topic(self, topic: str) -> DeliveryError | None:
        """None = it is gone (or was never there)."""

    def end_offsets(self, partitions: Collection[TopicPartition]) -> dict[TopicPartition, int]:
        """The next offset to be written. Partitions that do not exist or whose leader does not
        answer are left out."""

    def start_offsets(self, partitions: Collection[TopicPartition]) -> dict[TopicPartition, int]:
        """The oldest offset still there; left out as in `end_offsets`."""

    def committed(self, group: str, partitions: Collection[TopicPartition]) -> dict[TopicPartition, int | None]:
        """The group's committed offset per partition; None = it never committed there."""

    def group_offsets(self, group: str) -> dict[TopicPartition, int]:
        """Everything the group has committed."""

    def groups(self) -> list[GroupInfo]:
        """All groups that this client may see."""
