"""What Kafka's error codes mean in the words of the ports."""

from __future__ import annotations

from kafka import errors

from reliability.kafka import ports

FORBIDDEN = frozenset(
    {
        errors.TopicAuthorizationFailedError.errno,
        errors.GroupAuthorizationFailedError.errno,
        errors.ClusterAuthorizationFailedError.errno,
        errors.TransactionalIdAuthorizationFailedError.errno,
    }
)
MISSING = frozenset(
    {
        errors.UnknownTopicOrPartitionError.errno,
        errors.UnknownTopicIdError.errno,
        errors.GroupIdNotFoundError.errno,
    }
)
REFUSED = frozenset(
    {
        errors.UnknownMemberIdError.errno,  # the group has members, and we are none of them
        errors.IllegalGenerationError.errno,
        errors.StaleMemberEpochError.errno,
        errors.RebalanceInProgressError.errno,
        errors.FencedInstanceIdError.errno,
        errors.InconsistentGroupProtocolError.errno,
        errors.NonEmptyGroupError.errno,
        errors.GroupSubscribedToTopicError.errno,
        errors.OffsetMetadataTooLargeError.errno,
        errors.InvalidCommitOffsetSizeError.errno,
        errors.InvalidGroupIdError.errno,
    }
)
_CODES: dict[int, ports.ProblemCode] = {
    **dict.fromkeys(FORBIDDEN, "forbidden"),
    **dict.fromkeys(MISSING, "missing"),
    **dict.fromkeys(REFUSED, "refused"),
    errors.LeaderNotAvailableError.errno: "no_leader",
    errors.UnsupportedVersionError.errno: "unsupported",
}

COORDINATOR_MOVED = frozenset(
    {
        errors.NotCoordinatorError.errno,
        errors.CoordinatorNotAvailableError.errno,
        errors.CoordinatorLoadInProgressError.errno,
    }
)
"""Ask again, of whoever coordinates now."""

LEADER_MOVED = frozenset(
    {
        errors.NotLeaderForPartitionError.errno,
        errors.LeaderNotAvailableError.errno,
        errors.ReplicaNotAvailableError.errno,
        errors.KafkaStorageError.errno,
        errors.UnknownTopicOrPartitionError.errno,
    }
)
"""Ask again, of whoever leads now: what we knew is old."""


_HAS_MEMBERS = frozenset({errors.UnknownMemberIdError.errno, errors.NonEmptyGroupError.errno})
_WORDS: dict[ports.ProblemCode, str] = {
    "forbidden": "not allowed",
    "missing": "does not exist",
    "refused": "declined",
    "no_leader": "no broker leads it",
    "unsupported": "the broker cannot",
    "unavailable": "no answer",
}


def problem(code: int, what: str) -> ports.Problem:
    """Say in our words why the broker did not answer for ``what``."""
    ours = _CODES.get(code, "unavailable")
    words = "the group has members" if code in _HAS_MEMBERS else _WORDS[ours]
    return ports.Problem(code=ours, message=f"{what}: {words} ({errors.for_code(code).message})")


def lost(broker: object, error: BaseException) -> ports.Problem:
    """Say why no answer came at all.

    A first answer that cannot be read is what librdkafka's in-process broker gives: it speaks an old form only.
    """
    no_version = isinstance(error, errors.IncompatibleBrokerVersion)
    unreadable = type(error) is errors.KafkaProtocolError and not isinstance(broker, int)
    code: ports.ProblemCode = "unsupported" if no_version or unreadable else "unavailable"
    name, text = type(error).__name__, str(error)  # the library's own begin with their name
    return ports.Problem(code=code, message=f"broker {broker}: {text if text.startswith(name) else f'{name}: {text}'}")
