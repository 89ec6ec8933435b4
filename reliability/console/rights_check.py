"""``manage.py doctor`` asks each cluster what the console may do there, and prints what grants the rest."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from django.db import connections

from reliability.console.registry import REGISTRY, CheckResult
from reliability.kafka import clusters, ports, rights

ANSWER_S = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What one cluster said. ``unknown`` is why nothing is known of it."""

    cluster: str
    missing: Sequence[rights.Missing] = ()
    needs: int = 0
    unknown: str = ""


def kafka_rights() -> CheckResult:
    """The console's account may do in each cluster what the rooms need."""
    names = clusters.names()
    with ThreadPoolExecutor(len(names) or 1, thread_name_prefix="check-rights") as pool:
        answers = list(pool.map(_asked, names))
    lines, found = [], []
    for each in answers:
        where = "" if len(names) == 1 else f"cluster {each.cluster}: "
        if each.unknown:
            found.append(f"{where}not known: {each.unknown}")
        elif each.missing:
            found.append(f"{where}{len(each.missing)} of {each.needs} rights are missing")
            lines += [f"{where}{missing.sentence}" for missing in each.missing]
            lines += _commands(each)
        else:
            found.append(f"{where}all {each.needs} rights are there")
    if any(missing.need.is_vital for each in answers for missing in each.missing):
        return CheckResult(verdict="fail", found="; ".join(found), remedy="\n".join(lines))
    if lines:
        return CheckResult(verdict="warn", found="; ".join(found), remedy="\n".join(lines))
    if any(each.unknown for each in answers):
        return CheckResult(verdict="warn", found="; ".join(found), remedy="See the line of kafka.")
    return CheckResult(verdict="ok", found="; ".join(found))


def _asked(cluster: str) -> Answer:
    try:
        visible = set(clusters.admin(cluster, answer_s=ANSWER_S).topics())
        needs = [need for source in REGISTRY.needs for need in source(cluster, visible)]
        named = {need.name for need in needs if need.kind == "topic" and need.name != rights.EVERY}
        groups = {need.name for need in needs if need.kind == "group" and need.name != rights.EVERY}
        allowed = clusters.allowed(cluster, topics=visible | named, groups=groups, answer_s=ANSWER_S)
    except (ports.Unavailable, ports.Unsupported) as error:
        return Answer(cluster=cluster, unknown=str(error))
    finally:
        connections.close_all()  # of this thread: rooms read which topics and groups they need
    return Answer(cluster=cluster, missing=rights.missing(needs, allowed), needs=len(needs))


def _commands(answer: Answer) -> list[str]:
    profile = clusters.profile(answer.cluster)
    servers = str(profile.get("bootstrap.servers", ""))
    principal = clusters.principal(answer.cluster)
    lines = rights.commands(answer.missing, servers=servers, principal=principal)
    if principal.startswith("User:CN=") or "," in principal:
        lines.insert(0, "Where ssl.principal.mapping.rules of the brokers makes another name of it, give that one:")
    return lines
