"""Every metric: its name, kind, meaning and labels. A metric that is not listed here does not exist.

Labels have few values by construction: queues, shards, states, topics; never keys, ids or texts from records.
``read`` metrics are not counted in a process: the web process reads them from PostgreSQL when it is scraped.
``foreign`` metrics have the name that another exporter gave them, so that its dashboards work: they are read, and
bounded where they are made.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["counter", "gauge", "histogram"]

# Seconds; from a fast query to a page nobody waits for.
SHORT_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
# Seconds; from commit to broker, with outages.
LONG_S = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 300.0, 3600.0)
SIZES = (1, 5, 10, 50, 100, 250, 500, 1000, 2500)


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One metric; counters end in ``_total``, times in ``_seconds``, sizes in ``_bytes`` or what they count."""

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = SHORT_S
    read: bool = False
    foreign: bool = False

    @property
    def names_topics(self) -> bool:
        """Whether its labels are names of topics or groups, which not everybody may see."""
        return self.read and not {"topic", "group"}.isdisjoint(self.labels)


ALL: dict[str, Metric] = {}


def _metric(
    name: str, kind: Kind, meaning: str, *labels: str, buckets: tuple[float, ...] = SHORT_S, read: bool = False
) -> Metric:
    full = f"mainstay_{name}"
    ALL[full] = Metric(name=full, kind=kind, help=meaning, labels=labels, buckets=buckets, read=read)
    return ALL[full]


def _foreign(name: str, meaning: str, *labels: str) -> Metric:
    ALL[name] = Metric(name=name, kind="gauge", help=meaning, labels=labels, read=True, foreign=True)
    return ALL[name]


# --- the console
HTTP_DURATION = _metric(
    "http_request_duration_seconds", "histogram", "Time to answer an HTTP request.", "route", "method", "status"
)
SOCKETS = _metric("live_sockets", "gauge", "Open live sockets of this process.")
HINTS_SENT = _metric("live_hints_sent_total", "counter", "Hints handed to Redis, per word of the topic.", "topic")
HINTS_LOST = _metric("live_hints_lost_total", "counter", "Hints that could not be handed to Redis.")
ACTS = _metric("acts_total", "counter", "Acts of operators, tokens and policies.", "act", "outcome")
PROCESS_BEAT_AGE = _metric(
    "process_heartbeat_age_seconds", "gauge", "Age of a process's last heartbeat.", "process", "host", read=True
)
ATTENTION = _metric("attention_items", "gauge", "Things that need a person.", "room", "status", read=True)
DEPENDENCY_UP = _metric(
    "dependency_up", "gauge", "1 while Redis or Kafka answers the web process that is asked.", "dependency", read=True
)
QUEUE_MESSAGES = _metric(
    "queue_messages", "gauge", "Wake-ups in a Celery queue that no worker took; no sample: Redis is away.", "queue",
    read=True,
)  # fmt: skip
CERTIFICATE_ENDS = _metric(
    "certificate_expires_timestamp_seconds",
    "gauge",
    "When a certificate ends, in Unix seconds.",
    "endpoint",
    "role",
    read=True,
)
FIGURES_UNREAD = _metric(
    "figures_unread", "gauge", "Sources of figures that could not be read in this scrape.", read=True
)

# --- the outbox
OUTBOX_APPENDED = _metric("outbox_appended_total", "counter", "Events appended (before commit).")
OUTBOX_SENT = _metric("outbox_sent_total", "counter", "Events acknowledged by the broker.", "shard")
OUTBOX_FAILED = _metric("outbox_failed_total", "counter", "Events the broker did not take.", "reason")
OUTBOX_BATCH = _metric("outbox_batch_events", "histogram", "Events per relay batch.", buckets=SIZES)
OUTBOX_DELAY = _metric(
    "outbox_commit_to_broker_seconds", "histogram", "From append to acknowledgement.", buckets=LONG_S
)
OUTBOX_BACKLOG = _metric("outbox_backlog_events", "gauge", "Committed events not yet sent.", "shard", read=True)
OUTBOX_OLDEST = _metric("outbox_oldest_age_seconds", "gauge", "Age of the oldest event not yet sent.", read=True)
OUTBOX_PARKED = _metric("outbox_parked_events", "gauge", "Events that wait behind a failure for good.", read=True)
OUTBOX_HALTED = _metric("outbox_halted", "gauge", "1 while the relays are halted, after a failover.", read=True)
OUTBOX_PAUSED = _metric("outbox_paused_shards", "gauge", "Shards that a person has paused.", read=True)
OUTBOX_AHEAD = _metric("outbox_partitions_ahead", "gauge", "Empty partitions of the outbox table.", read=True)

# --- consuming
CONSUMED = _metric("consumed_total", "counter", "Records taken by the consume loop.", "group", "outcome")
HANDLER_DURATION = _metric("handler_duration_seconds", "histogram", "Time in a record's handler.", "group")
RETRIES = _metric("retries_total", "counter", "Records sent to a retry topic.", "group")
DEAD_LETTERED = _metric("dead_lettered_total", "counter", "Records given up on.", "group", "cause")

# --- dead letters
LETTERS_STORED = _metric("letters_stored_total", "counter", "Letters stored.", "dialect")
LETTERS_DOUBLED = _metric("letters_seen_again_total", "counter", "Records of letters that were stored before.")
LETTERS_INGEST = _metric("letters_ingest_batch_records", "histogram", "Letters per ingested batch.", buckets=SIZES)
LETTERS = _metric("letters", "gauge", "Letters per state.", "state", read=True)
LETTER_GROUPS = _metric("letter_groups_open", "gauge", "Failure groups with open letters.", read=True)
REPLAY_ITEMS = _metric("replay_items_total", "counter", "Replay items that reached a state.", "state")
REPLAYS = _metric("replays", "gauge", "Replay runs per state.", "state", read=True)

# --- sagas
SAGAS = _metric("sagas", "gauge", "Sagas per status, 10,000 of each at most.", "status", read=True)
SAGAS_UNTAKEN = _metric("sagas_untaken", "gauge", "Sagas that are due and that no worker takes.", read=True)
FINDINGS = _metric("findings", "gauge", "Findings per state, 10,000 of each at most.", "state", read=True)
COMPARISON_AGE = _metric(
    "reconciliation_age_seconds", "gauge", "Since the newest comparison came to its end.", "reconciliation", read=True
)
NEVER_COMPARED = _metric(
    "reconciliations_never_compared", "gauge", "Reconciliations without a comparison that came to its end.", read=True
)

# --- breakers
BREAKER_STATE = _metric(
    "breaker_state", "gauge", "1 for the state, or the override, that a breaker has.", "breaker", "state", read=True
)
BREAKER_CALLS = _metric("breaker_calls_per_second", "gauge", "Calls made, over half a minute.", "breaker", read=True)
BREAKER_REJECTED = _metric(
    "breaker_rejected_per_second", "gauge", "Calls not made, over half a minute.", "breaker", read=True
)
BREAKER_FAILING = _metric(
    "breaker_failed_share", "gauge", "Share of calls that failed; no sample: no calls.", "breaker", read=True
)

# --- consumer lag; names and labels of kafka-lag-exporter where they mean the same
_OF_GROUP = ("cluster_name", "group")
_OF_PARTITION = (*_OF_GROUP, "topic", "partition", "member_host", "consumer_id", "client_id")
_OF_TOPIC = ("cluster_name", "topic", "partition")
LAG_POLL_AGE = _metric(
    "lag_poll_age_seconds", "gauge", "Since a cluster's groups were last looked at.", "cluster_name", read=True
)
LAG_VERDICT = _metric(
    "lag_group_verdict", "gauge", "1 for the word that a group has: OK, STALL, STOP.", *_OF_GROUP, "word", read=True
)
LAG_ETA = _metric(
    "lag_group_eta_seconds", "gauge", "Until a group that gains has caught up; no sample: not known.", *_OF_GROUP,
    read=True,
)  # fmt: skip
LAG_LOSS = _metric(
    "lag_group_loss_seconds", "gauge", "Until unread records are deleted; no sample: none in sight.", *_OF_GROUP,
    read=True,
)  # fmt: skip
LAG_PARTITIONS_LEFT_OUT = _metric(
    "lag_partitions_left_out", "gauge", "Partitions without series of their own: the bound is reached.", read=True
)
KLE_LAG = _foreign(
    "kafka_consumergroup_group_lag", "Records a partition is behind; no sample: not known.", *_OF_PARTITION
)
KLE_LAG_SECONDS = _foreign(
    "kafka_consumergroup_group_lag_seconds", "Seconds a partition is behind, at least.", *_OF_PARTITION
)
KLE_OFFSET = _foreign("kafka_consumergroup_group_offset", "Committed offset of a partition.", *_OF_PARTITION)
KLE_MAX_LAG = _foreign("kafka_consumergroup_group_max_lag", "Highest lag of a partition of the group.", *_OF_GROUP)
KLE_MAX_LAG_SECONDS = _foreign(
    "kafka_consumergroup_group_max_lag_seconds", "Seconds the slowest partition is behind, at least.", *_OF_GROUP
)
KLE_SUM_LAG = _foreign("kafka_consumergroup_group_sum_lag", "Records the group is behind in all.", *_OF_GROUP)
KLE_TOPIC_SUM_LAG = _foreign(
    "kafka_consumergroup_group_topic_sum_lag", "Records the group is behind on a topic.", *_OF_GROUP, "topic"
)
KLE_LATEST = _foreign("kafka_partition_latest_offset", "End of the log.", *_OF_TOPIC)
KLE_EARLIEST = _foreign("kafka_partition_earliest_offset", "Start of the log.", *_OF_TOPIC)
KLE_POLL_TIME_MS = _foreign("kafka_consumergroup_poll_time_ms", "Time that the last poll took.", "cluster_name")

# --- degradation
DEGRADATION_LEVEL = _metric("degradation_level", "gauge", "Level in force; 0 is normal.", "flag", read=True)
DEGRADATION_SOURCE = _metric(
    "degradation_decides",
    "gauge",
    "1 for who decides: operator, drill, policy, schedule, default.",
    "flag",
    "source",
    read=True,
)
DEGRADATION_HELD = _metric("degradation_policies_held", "gauge", "Policies that ask for a person.", read=True)
DEGRADATION_SIGNALS_FAILED = _metric(
    "degradation_signals_failed_total", "counter", "Signals that could not be read for a policy."
)
FALLBACKS = _metric(
    "fallback_answers_total",
    "counter",
    "Answers of fallback caches: local, shared, asked, stale, default, failed.",
    "cache",
    "outcome",
)
FALLBACKS_UNKEPT = _metric("fallback_unkept_total", "counter", "Answers too large to be kept as a copy.", "cache")
OFREP_ANSWERS = _metric("ofrep_answers_total", "counter", "Answers to OFREP clients.", "kind", "status")

# --- alerts
ALERT_INCIDENTS = _metric("alert_incidents", "gauge", "Incidents that are open.", "severity", read=True)
ALERT_WAITING = _metric(
    "alert_deliveries_waiting", "gauge", "Messages that no channel has taken yet.", "channel", read=True
)
ALERT_OLDEST = _metric(
    "alert_delivery_oldest_seconds",
    "gauge",
    "Age of the oldest message that waits, 0 without one.",
    "channel",
    read=True,
)
ALERT_TURN_AGE = _metric("alert_turn_age_seconds", "gauge", "Since rules were last looked at.", read=True)
ALERT_DELIVERIES = _metric("alert_deliveries_total", "counter", "Tries to deliver a message.", "channel", "outcome")
ALERT_SIGNALS_FAILED = _metric("alert_signals_failed_total", "counter", "Signals that could not be asked for a rule.")
