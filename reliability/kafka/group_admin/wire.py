"""Connections to a cluster's brokers, many requests at a time, and never longer than the deadline.

kafka-python's network loop runs here on the caller's thread, inside ``ask`` and nowhere else: no thread of its own, and
nothing happens between questions. Its protocol classes are used instead of its high-level calls, because those raise on
the first group or partition that has an error, ask one broker after the other, and let the broker make missing topics.
"""

from __future__ import annotations

import contextlib
import random
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from kafka import errors
from kafka.future import Future
from kafka.net.connection import KafkaConnection
from kafka.net.manager import KafkaConnectionManager
from kafka.net.selector import NetworkSelector
from kafka.protocol.metadata import MetadataRequest

from reliability.kafka import ports, troubles
from reliability.kafka.group_admin import verdicts
from reliability.kernel import clock

IN_FLIGHT_MAX = 2
"""Requests that one broker has at a time: it works on one while we read the answer of the other."""

_METADATA_MAX = 12  # of its versions: the next one asks the client to start anew, which `ask` does by itself
_NOT_YET_KNOWN = -1  # the count of requests sent before a server had told which broker it is

Node = int | str
Ask = tuple[Node, Any]
Answer = Any  # the message that answers a request, or a ``ports.Problem``


def metadata_request(topics: Sequence[str] | None) -> MetadataRequest:
    """Ask for brokers and for these topics; None: all of them. Never makes one that is missing."""
    named = None if topics is None else [MetadataRequest.MetadataRequestTopic(name=topic) for topic in topics]
    return MetadataRequest(topics=named, allow_auto_topic_creation=False, max_version=_METADATA_MAX)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Link:
    """The library's network loop and its connections."""

    net: NetworkSelector
    manager: KafkaConnectionManager

    def brokers(self) -> list[int]:
        return sorted(broker.node_id for broker in self.manager.cluster.brokers())

    def connection(self, node: Node) -> KafkaConnection:
        # Without the library's own look-outs for brokers, which begin after an error and then go on for ever.
        return self.manager.get_connection(node, refresh_metadata_on_err=False)


class Wire:
    """One client of one cluster. For one thread at a time."""

    def __init__(
        self, settings: dict[str, Any], *, client_id: str, answer_s: float, time: clock.Clock = clock.SYSTEM
    ) -> None:
        own_ms = int(answer_s * 1000) + 1_000  # our deadline comes before the library's
        self._settings = {
            **settings,
            "client_id": client_id,
            "request_timeout_ms": own_ms,
            "socket_connection_setup_timeout_ms": own_ms,
            "socket_connection_setup_timeout_max_ms": own_ms,
            "reconnect_backoff_max_ms": 1_000,
            "receive_message_max_bytes": 256 * 1024 * 1024,
            "max_in_flight_requests_per_connection": 4 * IN_FLIGHT_MAX,  # bounded here, not there
            "slow_task_threshold_secs": 0,
        }
        self._time = time
        self._link: _Link | None = None
        self._answered = _NOT_YET_KNOWN
        self.sent: Counter[int] = Counter()

    def brokers(self) -> list[int]:
        """The brokers that the cluster named last."""
        return [] if self._link is None else self._link.brokers()

    def ask(self, asks: Sequence[Ask], *, until_s: float) -> list[Answer]:
        """Return the answers in the order of the requests, a ``Problem`` for each that did not come.

        Raises ``Unavailable`` when no answer came and the cluster does not answer a simple question either,
        ``Unsupported`` when a broker does not know the call.
        """
        if not asks:
            return []
        answers = self._exchange(self._open(until_s), asks, until_s)
        problems = [answer for answer in answers if isinstance(answer, ports.Problem)]
        for problem in problems:
            if problem.code == "unsupported":
                raise ports.Unsupported(problem.message)
        if len(problems) == len(answers):
            self.drop()
            if self._time.monotonic() >= until_s:
                raise ports.Unavailable(problems[0].message)
            self._open(until_s)
        return answers

    def ask_any(self, request: Any, *, until_s: float) -> Any:
        """Ask whichever broker answers; raise ``Unavailable`` or ``Unsupported``."""
        link = self._open(until_s)
        nodes = link.brokers()
        random.shuffle(nodes)
        nodes.sort(key=lambda node: node != self._answered)  # who did not answer once may take its whole share again
        problem = ports.Problem(code="unavailable", message="the cluster names no brokers")
        for place, node in enumerate(nodes):
            now_s = self._time.monotonic()
            share_s = (until_s - now_s) / (len(nodes) - place)
            [answer] = self._exchange(link, [(node, request)], now_s + share_s)
            if not isinstance(answer, ports.Problem):
                self._answered = node
                return answer
            problem = answer
        if problem.code == "unsupported":
            raise ports.Unsupported(problem.message)
        self.drop()
        raise ports.Unavailable(problem.message)

    def learn(self, metadata: Any) -> None:
        """Take the brokers out of a metadata answer."""
        if self._link is not None:
            metadata.topics = []  # whoever asked has taken what it wants of them
            self._link.manager.cluster.update_metadata(metadata)

    def drop(self) -> None:
        """Close every connection; the next question starts with the servers that the profile names."""
        link, self._link = self._link, None
        if link is not None:
            link.manager.close()
            link.net.close()

    def _open(self, until_s: float) -> _Link:
        """See that there are connections to a known cluster; notice those that were closed meanwhile."""
        if self._link is not None:
            self._link.net.poll(timeout_ms=0)
            return self._link
        net = NetworkSelector(**self._settings)
        link = self._link = _Link(net=net, manager=KafkaConnectionManager(net, **self._settings))
        servers = [server.node_id for server in link.manager.cluster.bootstrap_brokers()]
        answers = self._exchange(link, [(server, metadata_request([])) for server in servers], until_s, enough=1)
        for server in servers:  # each broker has a connection of its own under its own number
            link.manager.close(server)
        for answer in answers:
            if not isinstance(answer, ports.Problem) and answer.brokers:
                self.learn(answer)
                return link
        self.drop()
        problems = [answer for answer in answers if isinstance(answer, ports.Problem)]
        for problem in problems:
            if problem.code == "unsupported":
                raise ports.Unsupported(problem.message)
        raise ports.Unavailable(self._why(problems[0].message if problems else "the cluster names no brokers"))

    def _why(self, reason: str) -> str:
        """Put what is known before the library's words; where a connection just ended, what that may mean."""
        if troubles.said(reason) or "disconnected" not in reason:
            return troubles.told(reason)
        if "sasl_mechanism" in self._settings:  # the library may see the end of a connection before it reads why
            return f"{reason} (a login that is not accepted looks like this too: sasl.username, sasl.password)"
        if self._settings["security_protocol"] == "PLAINTEXT":
            return f"{reason} (a broker that wants TLS looks like this too: security.protocol)"
        return reason

    def _exchange(self, link: _Link, asks: Sequence[Ask], until_s: float, *, enough: int | None = None) -> list[Answer]:
        """Send, at most ``IN_FLIGHT_MAX`` to a broker at once, and gather until the deadline or ``enough`` answers."""
        exchange = _Exchange(asks, connect=link.connection, sent=self._count)
        while True:
            exchange.send()
            came = exchange.gather()
            left_s = until_s - self._time.monotonic()
            if exchange.done(enough) or left_s <= 0:
                break
            if not came:
                link.net.poll(timeout_ms=left_s * 1000)
        exchange.give_up()
        link.net.poll(timeout_ms=0)
        return exchange.answers

    def _count(self, node: Node) -> None:
        self.sent[node if isinstance(node, int) else _NOT_YET_KNOWN] += 1


class _Exchange:
    """Some requests on their way: which wait, which are with a broker, which are answered."""

    def __init__(
        self, asks: Sequence[Ask], *, connect: Callable[[Node], KafkaConnection], sent: Callable[[Node], None]
    ) -> None:
        self.answers: list[Answer] = [None] * len(asks)
        self._asks = asks
        self._connect = connect
        self._sent = sent
        self._waiting: dict[Node, deque[int]] = defaultdict(deque)
        self._flying: dict[int, tuple[KafkaConnection, Future]] = {}
        self._good = 0
        for place, (node, _) in enumerate(asks):
            self._waiting[node].append(place)

    def done(self, enough: int | None) -> bool:
        """Whether nothing is left to wait for."""
        if enough is not None and self._good >= enough:
            return True
        return not self._flying and not any(self._waiting.values())

    def send(self) -> None:
        """Hand each broker what it may have now."""
        flying = Counter(self._asks[place][0] for place in self._flying)
        for node, places in self._waiting.items():
            while places and flying[node] < IN_FLIGHT_MAX:
                try:
                    connection = self._connect(node)
                except errors.KafkaError as error:  # refused a moment ago, unknown, or our name is not let in
                    self.answers[places.popleft()] = verdicts.lost(node, error)
                    continue
                if connection.connected and connection.paused:
                    break  # its buffer is full, or it asked us to slow down
                place = places.popleft()
                self._flying[place] = (connection, connection.send_request(self._asks[place][1]))
                self._sent(node)
                flying[node] += 1

    def gather(self) -> bool:
        """Take in what came; whether anything did."""
        before = len(self._flying)
        for place, (_, future) in list(self._flying.items()):
            if future.is_done:
                del self._flying[place]
                if future.exception is None:
                    self.answers[place] = future.value
                    self._good += 1
                else:
                    self.answers[place] = verdicts.lost(self._asks[place][0], future.exception)
        return len(self._flying) < before

    def give_up(self) -> None:
        """Close the connections that still owe an answer: one that comes later must not be taken for another's."""
        late = errors.KafkaTimeoutError("no answer in time")
        for place, (connection, _) in list(self._flying.items()):
            self.answers[place] = verdicts.lost(self._asks[place][0], late)
            with contextlib.suppress(errors.KafkaError):
                connection.close(late)
        for node, places in self._waiting.items():
            for place in places:
                self.answers[place] = verdicts.lost(node, late)
