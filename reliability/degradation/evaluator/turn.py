"""One turn: what time has changed, what signals say, what policies make of it.

Any number of workers may take turns at once: a look at a policy is kept only where nobody was faster.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

import structlog

from reliability.console.domain.conditions import Reading, WrongRule
from reliability.console.registry import REGISTRY, Signal
from reliability.degradation.domain import packing
from reliability.degradation.domain.flags import Declaration
from reliability.degradation.domain.policy import Key, Moved, step
from reliability.degradation.domain.policy import Policy as Wanted
from reliability.degradation.domain.snapshot import Unreadable, unpacked
from reliability.degradation.models import Policy
from reliability.degradation.operations import deciding, recording, standing
from reliability.degradation.queries import standing as queries
from reliability.degradation.stores.shared import RedisStore, Unreachable
from reliability.kernel.telemetry import metrics, names

log = structlog.get_logger(__name__)


def turn(
    *, now: datetime, declared: Iterable[Declaration] = (), signals: Mapping[str, Signal] | None = None
) -> list[str]:
    """Do all that is due; return the names of policies that moved. ``declared``: the flags of this process's code."""
    said = {each.name: each for each in (*_declared_elsewhere(), *declared)}
    deciding.known(list(said.values()), now=now)
    deciding.time_passed(now=now)
    deciding.renewed(now=now)
    rows = [(row, wanted) for row in Policy.objects.order_by("name") if (wanted := _read(row)) is not None]
    readings = read({key for _, wanted in rows for key in wanted.keys}, signals or REGISTRY.signals)
    recording.record(readings)
    moved = [row.name for row, wanted in rows if row.is_on and _stepped(row, wanted, readings, now=now)]
    _told_again()
    return moved


def read(keys: Iterable[Key], signals: Mapping[str, Signal]) -> dict[Key, Reading | None]:
    """Return what signals say now; None for one that is not known here, fails, or says nothing."""
    return {key: _asked(key, signals) for key in keys}


def _asked(key: Key, signals: Mapping[str, Signal]) -> Reading | None:
    name, subject = key
    signal = signals.get(name)
    if signal is None:
        return None
    return _guarded(lambda: _sample(signal, subject), what=f"{name} of {subject}")


def _sample(signal: Signal, subject: str) -> Reading | None:
    sample = signal.read(subject)
    return None if sample is None else Reading(value=float(sample.value), at=sample.at)


def _guarded(ask: Callable[[], Reading | None], *, what: str) -> Reading | None:
    try:
        return ask()
    except Exception as error:  # noqa: BLE001 - a signal of another room must not keep the others from being looked at
        metrics.inc(names.DEGRADATION_SIGNALS_FAILED)
        log.warning("degradation_signal_failed", signal=what, error=str(error))
        return None


def _read(row: Policy) -> Wanted | None:
    try:
        return packing.policy_read(row.body)
    except WrongRule as error:  # one of another version
        log.error("degradation_policy_unreadable", policy=row.name, error=str(error))
        return None


def _stepped(row: Policy, wanted: Wanted, readings: Mapping[Key, Reading | None], *, now: datetime) -> bool:
    try:
        done = step(packing.state_read(row.state), wanted, readings, now=now)
        if done.moved is Moved.NOTHING:
            deciding.looked(row, done, now=now)
            return False
        return deciding.moved(row, wanted, done, _facts(wanted, readings), now=now)
    except Exception:  # one policy must not keep the others from deciding
        log.exception("degradation_policy_failed", policy=row.name)
        return False


def _facts(wanted: Wanted, readings: Mapping[Key, Reading | None]) -> dict[str, object]:
    """The signal values of this moment, as they are kept and shown."""
    told: dict[str, object] = {}
    for condition in wanted.conditions:
        reading = readings.get((condition.signal, condition.subject))
        told[condition.named] = (
            None
            if reading is None
            else {"value": reading.value, "unit": condition.unit, "at": reading.at.isoformat(timespec="milliseconds")}
        )
    return told


def _declared_elsewhere() -> list[Declaration]:
    """What processes with other code have told; one that nobody can read is passed over."""
    try:
        texts = RedisStore().declared()
    except Unreachable as error:
        log.debug("degradation_declarations_unread", error=str(error))
        return []
    found = []
    for name, text in texts.items():
        try:
            found.append(unpacked(text).flags[name].declaration)
        except (Unreadable, KeyError) as error:
            log.warning("degradation_declaration_unreadable", flag=name, error=str(error))
    return found


def _told_again() -> None:
    """Where Redis has lost the newest flags, or has others than the database, it is told anew."""
    try:
        if RedisStore().revision() != queries.revision():
            standing.push(anyway=True)
    except Unreachable as error:
        log.debug("degradation_not_told", error=str(error))
