"""What ``manage.py doctor`` says of Kafka: which broker, whether each cluster lets us in, what must be created."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor

from django.conf import settings
from django.db import DatabaseError, InterfaceError

from reliability.console.registry import CheckResult
from reliability.kafka import clusters, ports, reaching, tls, troubles
from reliability.kafka.clusters import MAIN
from reliability.live import queries as live_queries

CREATE_TOPICS = "create_topics"  # a heartbeat's fact: the commands for topics a process was not allowed to create
ANSWER_S = 4.0
LOOK_S = 1.5
"""For a look at why there was no answer; two of them and the question itself are within doctor's own limit."""
NAMED_MAX = 5
ADVERTISED = "advertise addresses that cannot be reached from here"
_BROKERS = {
    "kafka": "Apache Kafka, embedded",
    "in-process": "in-process broker (no members, no topic creation, no fencing; its records die with it)",
    "external": "the Kafka that KAFKA_BOOTSTRAP_SERVERS names",
}


def kafka() -> CheckResult:
    """Every cluster answers, its brokers can be reached, and every topic that is needed could be created."""
    names = clusters.names()
    with ThreadPoolExecutor(len(names) or 1, thread_name_prefix="check-kafka") as pool:
        answers = dict(zip(names, pool.map(_asked, names), strict=True))
    broker = getattr(settings, "MAINSTAY_BROKER", "external")
    reason = getattr(settings, "MAINSTAY_BROKER_REASON", "")
    what = f"{_BROKERS.get(broker, broker)}{f', because {reason}' if reason else ''}"
    found = "; ".join([_told(name, what, answers[name]) for name in sorted(names, key=lambda name: name != MAIN)])
    facts = {"broker": broker, "reason": reason}
    silent = [name for name in names if isinstance(answers[name], str)]
    if silent:
        remedy = "\n".join(_remedy(name, str(answers[name])) for name in silent)
        return CheckResult(verdict="fail", found=found, remedy=remedy, facts=facts)
    remedies = [
        f"Create what the processes may not create:\n{line}" for line in ["\n".join(_topics_to_create())] if line
    ]
    if broker == "in-process":
        remedies.append("Good for a look around only: install a Java runtime, or set KAFKA_BOOTSTRAP_SERVERS.")
    remedies += [unsafe for name in names if (unsafe := _unsafe(name, clusters.profile(name)))]
    return CheckResult(verdict="warn" if remedies else "ok", found=found, remedy="\n".join(remedies), facts=facts)


def start(server: str, variables: str) -> str:
    """Return what to do when a server does not answer."""
    if settings.MAINSTAY_DEMO:
        return f"The demo has ended or was killed: start it again with make demo (or mend {variables}, where set)."
    return f"Start {server}, or mend {variables}."


def _asked(cluster: str) -> int | str:
    """Return the number of topics, or why there is none."""
    try:
        admin = clusters.admin(cluster, answer_s=ANSWER_S)
        topics = admin.topics()
        # Whoever is asked first names the addresses that all else goes to: these are the ones that must be reached.
        return _lost(admin.brokers()) or len(topics)
    except (ports.Unavailable, ports.Unsupported) as error:
        return _why(cluster, str(error))


def _lost(brokers: Collection[str]) -> str:
    """Return which of the brokers' own addresses cannot be reached; "" for none."""
    lost = reaching.unreachable(brokers, within_s=LOOK_S)
    where = ", ".join(f"{server} ({reason})" for server, reason in list(lost.items())[:NAMED_MAX])
    return f"{len(lost)} of its {len(brokers)} brokers {ADVERTISED}: {where}" if lost else ""


def _why(cluster: str, error: str) -> str:
    """Return what the client said, with more than that where we find it. Two looks at once: see ``LOOK_S``."""
    with ThreadPoolExecutor(1, thread_name_prefix="check-tls") as pool:
        handshake = pool.submit(tls.why_not, clusters.profile(cluster), within_s=LOOK_S)
        lost = _lost(clusters.advertised(cluster, within_s=LOOK_S))
        why = lost or handshake.result()
    if tls.UNREACHABLE in why and troubles.said(error) not in ("", troubles.NO_NAME):
        return error  # somebody was reached, and said why not
    return f"{why} ({error})" if why and why not in error else error


def _told(name: str, main: str, answer: int | str) -> str:
    what = main if name == MAIN else f"cluster {name}"
    return f"{what}: does not answer: {answer}" if isinstance(answer, str) else f"{what}; {answer} topics"


def _remedy(cluster: str, answer: str) -> str:
    if ADVERTISED in answer:
        return f"Mend advertised.listeners of the brokers of {cluster}, or let this host reach and resolve them."
    if cluster == MAIN:
        return start("Kafka", "KAFKA_BOOTSTRAP_SERVERS and the KAFKA_* variables beside it")
    return f"Start the brokers of {cluster}, or mend its profile in KAFKA_CLUSTERS."


def _unsafe(cluster: str, profile: Mapping[str, object]) -> str:
    """Return what is wrong with a password that travels unencrypted beyond this machine; "" for nothing."""
    servers = str(profile.get("bootstrap.servers", "")).split(",")
    local = ("localhost:", "127.", "[::1]:")
    if profile.get("security.protocol") != "SASL_PLAINTEXT" or all(each.strip().startswith(local) for each in servers):
        return ""
    return f"The password of cluster {cluster} may travel without TLS: say SASL_SSL (security.protocol)."


def _topics_to_create() -> list[str]:
    try:
        rows = live_queries.heartbeats()
    except (DatabaseError, InterfaceError):
        return []  # the database's own line says so
    commands = (str(row.facts.get(CREATE_TOPICS, "")) for row in rows if not row.is_silent)
    return sorted({line for command in commands for line in command.splitlines() if line})
