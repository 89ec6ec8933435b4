"""The lines of ``manage.py doctor`` that the console knows; rooms register their own besides."""

from __future__ import annotations

from typing import Any, Literal

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, DatabaseError, InterfaceError, connections

from reliability import access
from reliability.audit import queries as audit_queries
from reliability.console import health, kafka_checks, probing, rights_check, running, static
from reliability.console.domain import ladder, process_facts
from reliability.console.registry import REGISTRY, Check, CheckResult, Ladder
from reliability.kernel.command_line import spelled
from reliability.live import connection as live_redis
from reliability.live import queries as live_queries

OLDEST_POSTGRESQL = 150_000
OLDEST_REDIS = (6, 2)
PAGE_WITHOUT_SERVER_S = 2.0


def register() -> None:
    """Register everything of this module; called once at start."""
    for name, run in (
        ("database", database),
        ("redis", redis_server),
        ("kafka", kafka_checks.kafka),
        ("kafka rights", rights_check.kafka_rights),
        ("time limits", time_limits),
        ("processes", processes),
        ("browser files", static.browser_files),
        ("audit", audit),
        ("metrics", metrics),
    ):
        REGISTRY.register_check(Check(name=name, run=run))
    options: dict[str, Any] = settings.DATABASES[DEFAULT_DB_ALIAS].get("OPTIONS", {})
    pool = options.get("pool")
    transport: dict[str, Any] = getattr(settings, "CELERY_BROKER_TRANSPORT_OPTIONS", {})
    if isinstance(pool, dict):
        rungs = (
            ("Redis hint", 2 * live_redis.HINT_TIMEOUT_S),
            ("Redis answer", live_redis.READ_TIMEOUT_S),
            ("database pool", float(pool.get("timeout", 30))),
            ("health part", health.ANSWER_WITHIN_S),
            ("page", PAGE_WITHOUT_SERVER_S),
        )
        REGISTRY.register_ladder(Ladder(name="page without a server", rungs=rungs))
    statement_s = getattr(settings, "STATEMENT_TIMEOUT_MS", 30_000) / 1000
    redelivery = ("Celery redelivery", float(transport.get("visibility_timeout", 3600)))
    REGISTRY.register_ladder(Ladder(name="statement", rungs=(("statement", statement_s), redelivery)))


def database() -> CheckResult:
    """PostgreSQL answers, is new enough, has our tables, and can feed change capture."""
    try:
        with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
            cursor.execute(
                "select current_setting('server_version_num')::int, current_setting('server_version'),"
                " current_setting('wal_level')"
            )
            number, version, wal_level = cursor.fetchone()
        missing = health.unapplied_migrations()
    except (DatabaseError, InterfaceError) as error:
        remedy = kafka_checks.start("PostgreSQL", "DATABASE_URL")
        why = probing.why_not() or str(error).strip()
        return CheckResult(verdict="fail", found=f"does not answer: {why}", remedy=remedy)
    facts = {"version": version, "wal_level": wal_level, "unapplied_migrations": str(len(missing))}
    if number < OLDEST_POSTGRESQL:
        remedy = "Use PostgreSQL 15 or later."
        return CheckResult(verdict="fail", found=f"PostgreSQL {version}", remedy=remedy, facts=facts)
    if missing:
        found = f"{len(missing)} migrations are not applied, the first is {missing[0]}"
        return CheckResult(verdict="fail", found=found, remedy=spelled("migrate"), facts=facts)
    found = f"PostgreSQL {version}, all migrations applied, wal_level {wal_level}"
    if wal_level != "logical":
        remedy = "Only needed for change capture (Debezium): ALTER SYSTEM SET wal_level = logical, then restart."
        return CheckResult(verdict="warn", found=found, remedy=remedy, facts=facts)
    return CheckResult(verdict="ok", found=found, facts=facts)


def redis_server() -> CheckResult:
    """Redis answers and is new enough."""
    state, detail = health.ask_redis()
    if state != "ok":
        remedy = f"{kafka_checks.start('Redis', 'REDIS_URL')} Meanwhile pages poll and wake-ups come from schedules."
        return CheckResult(verdict="fail", found=f"does not answer: {detail}", remedy=remedy)
    version = str(live_redis.client().info("server")["redis_version"])
    facts = {"version": version}
    if tuple(int(part) for part in version.split(".")[:2]) < OLDEST_REDIS:
        return CheckResult(verdict="fail", found=f"Redis {version}", remedy="Use Redis 6.2 or later.", facts=facts)
    return CheckResult(verdict="ok", found=f"Redis {version}", facts=facts)


def time_limits() -> CheckResult:
    """Every limit is longer than the ones inside it."""
    ladders = sorted(REGISTRY.ladders.values(), key=lambda each: each.name)
    faults = [f"{each.name}: {fault}" for each in ladders for fault in ladder.faults(each.rungs)]
    facts = {each.name: ladder.spoken(each.rungs) for each in ladders}
    if faults:
        found = f"{len(faults)} limits are in the wrong order"
        return CheckResult(verdict="fail", found=found, remedy="\n".join(faults), facts=facts)
    return CheckResult(verdict="ok", found=f"{len(ladders)} ladders in order", facts=facts)


def processes() -> CheckResult:
    """Every process beats, and goes on with the life it has."""
    try:
        rows = live_queries.heartbeats()
        missing = live_queries.missing_processes()
        restarting = live_queries.restarting_processes()
        found = running.running()
    except (DatabaseError, InterfaceError):
        return CheckResult(verdict="fail", found="unknown without a database", remedy="See the line of the database.")
    facts = {f"{row.name}@{row.host}": f"{row.state}, {row.age_s:.0f} s ago" for row in rows}
    living = {row.name for row in found.heard}
    troubles = [each.sentence for each in restarting]
    remedies = ["Look at the log of what restarts: it says why it ends."] if restarting else []
    if missing:
        troubles.append(", ".join(f"{each.row.name} (silent for {each.row.age_s:.0f} s)" for each in missing))
        remedies.append("Look at its log and start it again; the supervisor of the demo does that by itself.")
    if found.absent:
        everything = ", or `make demo` for all" if settings.MAINSTAY_DEMO else ""
        remedies.append(f"Not running: {', '.join(found.absent)}. Start them{everything}.")
    verdict: Literal["ok", "warn", "fail"] = "fail" if troubles else "warn" if found.absent else "ok"
    held = [sentence for row in found.heard for sentence in process_facts.held_back(row.name, row.facts)]
    said = "; ".join([*(troubles or [f"{len(living)} processes beat"]), *held])
    return CheckResult(verdict=verdict, found=said, remedy="\n".join(remedies), facts=facts)


def audit() -> CheckResult:
    """The newest entry of the audit, to be noted outside the database; ``verify_audit`` checks the whole chain."""
    try:
        page = audit_queries.entries(actor=access.system_actor("doctor"), wanted=audit_queries.EntryFilter(), limit=1)
    except (DatabaseError, InterfaceError):
        return CheckResult(verdict="fail", found="unknown without a database", remedy="See the line of the database.")
    if not page.entries:
        return CheckResult(verdict="ok", found="empty")
    newest = page.entries[0]
    head = f"{newest.seq}:{bytes(newest.hash).hex()}"
    found = f"head {head[:24]}..., whole chain: {spelled('verify_audit')}"
    return CheckResult(verdict="ok", found=found, facts={"head": head})


def metrics() -> CheckResult:
    """Whether the totals over all topics on ``/metrics`` take a token of their own."""
    if settings.MAINSTAY_METRICS_TOKEN:
        return CheckResult(verdict="ok", found="/metrics takes the token of MAINSTAY_METRICS_TOKEN")
    found = "/metrics tells this machine its totals over all topics without a token, and elsewhere any viewer's token"
    if settings.MAINSTAY_DEMO:
        return CheckResult(verdict="ok", found=f"{found}: this is the demo")
    return CheckResult(verdict="warn", found=found, remedy="Set MAINSTAY_METRICS_TOKEN, and give it to Prometheus.")
