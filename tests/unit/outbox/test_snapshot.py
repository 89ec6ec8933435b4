"""Snapshots, and the window between two of them, against a model of transactions."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outbox.domain.snapshot import NOTHING, Snapshot


@dataclass
class Event:
    """An event with the transaction that wrote it."""

    id: int
    xid: int
    key: int


@dataclass
class Database:
    """Transactions that take a number, lock a key, write an event with the next id, and commit: PostgreSQL's rules."""

    next_xid: int = 3
    next_id: int = 1
    running: set[int] = field(default_factory=set)
    events: list[Event] = field(default_factory=list)
    committed: set[int] = field(default_factory=set)
    locks: dict[int, int] = field(default_factory=dict)
    order: dict[int, list[int]] = field(default_factory=dict)
    """Per key, ids in the order in which its lock was held: the order that readers must see."""

    def begin(self) -> int:
        xid, self.next_xid = self.next_xid, self.next_xid + 1
        self.running.add(xid)
        return xid

    def write(self, xid: int, key: int) -> bool:
        """Lock the key and write an event; False when another transaction holds it."""
        if self.locks.setdefault(key, xid) != xid:
            return False
        self.events.append(Event(self.next_id, xid, key))
        self.order.setdefault(key, []).append(self.next_id)
        self.next_id += 1
        return True

    def end(self, xid: int, *, commit: bool) -> None:
        self.running.discard(xid)
        self.locks = {key: holder for key, holder in self.locks.items() if holder != xid}
        if commit:
            self.committed.add(xid)
        else:
            gone = {event.id for event in self.events if event.xid == xid}
            self.order = {key: [id_ for id_ in ids if id_ not in gone] for key, ids in self.order.items()}

    def snapshot(self) -> Snapshot:
        return Snapshot(min(self.running, default=self.next_xid), self.next_xid, frozenset(self.running))

    def visible(self) -> list[Event]:
        return [event for event in self.events if event.xid in self.committed]


class ByWindow:
    """The reader under test."""

    def __init__(self) -> None:
        self.a = NOTHING
        self.read: list[Event] = []

    def look(self, database: Database) -> None:
        b = database.snapshot()
        found = [event for event in database.visible() if b.shows_besides(event.xid, before=self.a)]
        self.read += sorted(found, key=lambda event: event.id)
        self.a = b


class ByLastId:
    """The naive recipe: everything above the last id."""

    def __init__(self) -> None:
        self.read: list[Event] = []

    def look(self, database: Database) -> None:
        last = max((event.id for event in self.read), default=0)
        self.read += sorted((e for e in database.visible() if e.id > last), key=lambda event: event.id)


class ByHorizon:
    """The popular recipe: everything below the oldest running transaction, in order of transaction and id."""

    def __init__(self) -> None:
        self.at = (0, 0)
        self.read: list[Event] = []

    def look(self, database: Database) -> None:
        xmin = database.snapshot().xmin
        found = [e for e in database.visible() if e.xid < xmin and (e.xid, e.id) > self.at]
        found.sort(key=lambda event: (event.xid, event.id))
        if found:
            self.at = (found[-1].xid, found[-1].id)
        self.read += found


Reader = ByWindow | ByLastId | ByHorizon


def losses(reader: Reader, database: Database) -> int:
    read = [event.id for event in reader.read]
    assert len(read) == len(set(read)), "read twice"
    return len(database.visible()) - len(read)


def disorder(reader: Reader, database: Database) -> int:
    """How many events came before one of their key that was written earlier."""
    wrong = 0
    for key, ids in database.order.items():
        read = [event.id for event in reader.read if event.key == key]
        wrong += sum(1 for one, other in pairwise(read) if ids.index(one) > ids.index(other))
    return wrong


steps = st.lists(
    st.tuples(st.sampled_from(["begin", "write", "commit", "rollback", "look"]), st.integers(0, 4), st.integers(0, 2)),
    max_size=80,
)


def play(history: list[tuple[str, int, int]], *readers: Reader) -> Database:
    database = Database()
    open_: list[int] = []
    for what, which, key in history:
        if what == "look":
            for reader in readers:
                reader.look(database)
        elif what == "begin":
            open_.append(database.begin())
        elif open_:
            xid = open_[which % len(open_)]
            if what == "write":
                database.write(xid, key)
            else:
                database.end(xid, commit=what == "commit")
                open_.remove(xid)
    for xid in open_:
        database.end(xid, commit=True)
    for reader in readers:
        reader.look(database)
    return database


@given(steps)
def test_windows_lose_nothing_repeat_nothing_and_keep_the_order_of_a_key(history):
    reader = ByWindow()
    database = play(history, reader)
    assert losses(reader, database) == 0
    assert disorder(reader, database) == 0


def test_a_late_commit_is_lost_above_the_last_id_and_read_by_windows():
    history = [("begin", 0, 0), ("write", 0, 0), ("begin", 0, 0), ("write", 1, 1), ("commit", 1, 0), ("look", 0, 0)]
    naive, window = ByLastId(), ByWindow()
    database = play(history, naive, window)
    assert losses(naive, database) == 1
    assert losses(window, database) == 0


def test_a_number_taken_before_the_lock_reorders_below_the_horizon_and_not_in_windows():
    # The first transaction has the lower number, but touches the key after the second one.
    history = [("begin", 0, 0), ("begin", 0, 0), ("write", 1, 0), ("commit", 1, 0), ("write", 0, 0), ("commit", 0, 0)]
    popular, window = ByHorizon(), ByWindow()
    database = play(history, popular, window)
    assert disorder(popular, database) == 1
    assert disorder(window, database) == 0


@given(st.integers(3, 50), st.sets(st.integers(3, 60)), st.integers(0, 70))
def test_it_reads_and_writes_postgresqls_text(xmin, running, xid):
    running = {each for each in running if each >= xmin}
    snapshot = Snapshot(xmin, 61, frozenset(running))
    assert Snapshot.parse(str(snapshot)) == snapshot
    assert snapshot.shows(xid) == (xid < 61 and xid not in running)


@pytest.mark.parametrize("text", ["", "1:2", "a:b:c"])
def test_it_refuses_other_text(text):
    with pytest.raises(ValueError, match=r".+"):
        Snapshot.parse(text)
