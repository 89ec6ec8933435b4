"""A broker that says what a test tells it to: for what a healthy cluster of one cannot be made to say."""

from __future__ import annotations

import socket
import socketserver
import struct
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any

from kafka.protocol.admin import ListGroupsRequest
from kafka.protocol.api_message import ApiMessage
from kafka.protocol.consumer import ListOffsetsRequest, OffsetCommitRequest, OffsetFetchRequest
from kafka.protocol.metadata import (
    ApiVersionsRequest,
    ApiVersionsResponse,
    FindCoordinatorRequest,
    MetadataRequest,
    MetadataResponse,
)

Reply = Callable[[Any], Any]
"""From a request to its response; None: never answer it; HANG_UP: close the connection instead."""

HANG_UP = object()

_KNOWN = {
    request.API_KEY: request
    for request in (
        ApiVersionsRequest,
        FindCoordinatorRequest,
        ListGroupsRequest,
        ListOffsetsRequest,
        MetadataRequest,
        OffsetCommitRequest,
        OffsetFetchRequest,
    )
}


class ScriptedBroker:
    """Listens on a port of its own while it is entered; says which requests it knows by itself."""

    def __init__(self, reply: Reply) -> None:
        self.reply = reply
        self.asked: list[Any] = []
        self._server = _Server(("127.0.0.1", 0), _Connection)
        self._server.broker = self
        self.port: int = self._server.server_address[1]

    def __enter__(self) -> ScriptedBroker:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()


def metadata(
    brokers: dict[int, int], *, leaders: dict[str, list[int]] | None = None, asked: Any = None
) -> MetadataResponse:
    """Brokers by number and port; each topic's leaders by partition, those that were asked for only."""
    wanted = None if asked is None or asked.topics is None else {topic.name for topic in asked.topics}
    told = {name: at for name, at in (leaders or {}).items() if wanted is None or name in wanted}
    topic, place = MetadataResponse.MetadataResponseTopic, MetadataResponse.MetadataResponseTopic
    return MetadataResponse(
        brokers=[
            MetadataResponse.MetadataResponseBroker(node_id=node, host="127.0.0.1", port=port, rack=None)
            for node, port in brokers.items()
        ],
        cluster_id="scripted",
        controller_id=min(brokers),
        topics=[
            topic(
                error_code=0,
                name=name,
                is_internal=False,
                partitions=[
                    place.MetadataResponsePartition(
                        error_code=5 if leader < 0 else 0, partition_index=number, leader_id=leader, leader_epoch=0,
                        replica_nodes=[], isr_nodes=[], offline_replicas=[],
                    )
                    for number, leader in enumerate(at)
                ],
            )
            for name, at in told.items()
        ],
    )  # fmt: skip


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    broker: ScriptedBroker


class _Connection(socketserver.BaseRequestHandler):
    server: _Server
    request: socket.socket

    def handle(self) -> None:
        while frame := self._frame():
            key, version, correlation = struct.unpack_from(">hhi", frame)
            asked = _KNOWN[key][version].decode(frame, header=True)
            self.server.broker.asked.append(asked)
            answer = _versions() if key == ApiVersionsRequest.API_KEY else self.server.broker.reply(asked)
            if answer is HANG_UP:
                return
            if answer is not None:
                self._send(answer, version, correlation)

    def _send(self, answer: ApiMessage, version: int, correlation: int) -> None:
        answer.API_VERSION = version
        answer.with_header(correlation_id=correlation)
        self.request.sendall(answer.encode(header=True, framed=True))

    def _frame(self) -> bytes:
        size = self._exactly(4)
        return self._exactly(struct.unpack(">i", size)[0]) if size else b""

    def _exactly(self, size: int) -> bytes:
        found = b""
        while len(found) < size:
            try:
                piece = self.request.recv(size - len(found))
            except OSError:
                return b""
            if not piece:
                return b""
            found += piece
        return found


def _versions() -> ApiVersionsResponse:
    known = [
        ApiVersionsResponse.ApiVersion(api_key=key, min_version=0, max_version=request.max_version)
        for key, request in _KNOWN.items()
    ]
    return ApiVersionsResponse(error_code=0, api_keys=known, throttle_time_ms=0)
