"""Reconciliations from a file, for who has no Python module to write them in: ``MAINSTAY_RECONCILIATIONS``.

The file is TOML; README, "Compare two systems without Python", has one. Whatever is wrong with it stops the start with
the place and an example, so that nobody believes that two systems are compared when they are not.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from sagas import reconciliations
from sagas.domain.reconciling import definition as rules
from sagas.domain.reconciling.commands import ActOnSaga, AppendEvent, Command, StartSaga
from sagas.domain.reconciling.definition import Side, SideError, WrongReconciliation
from sagas.domain.reconciling.pair import Pair
from sagas.domain.reconciling.saying import Condition, NoSuchField, filled, unknown_places
from sagas.queries.sides.http_client import http_api
from sagas.queries.sides.postgres_query import postgres
from sagas.reconciler.declared_file import Becomes, DifferenceSaid, File, ReconciliationSaid, RepairSaid, SideSaid


def read(path: Path, *, environment: Mapping[str, str] = os.environ) -> list[rules.Reconciliation]:
    """Make the reconciliations of a file known and return them; all of them, or none.

    Secrets stay in ``environment``, under the names that the file gives. Raises ``WrongReconciliation``.
    """
    try:
        said = File.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise WrongReconciliation(f"{path} (MAINSTAY_RECONCILIATIONS) cannot be read: {error}") from error
    except ValidationError as error:
        raise WrongReconciliation(f"{path}: {_first(error)}") from error
    _check_places(path, said)
    made: list[rules.Reconciliation] = []
    try:
        for each in said.reconciliation:
            made.append(reconciliations.reconciliation(each.name, each.title, **_facts(each, environment)))
    except WrongReconciliation as error:
        for known in made:
            reconciliations.forget(known.name)
        raise WrongReconciliation(f"{path}: {error}") from error
    return made


def _first(error: ValidationError) -> str:
    """The first thing that is wrong, with its place in the file."""
    problem = error.errors(include_url=False)[0]
    place = ".".join(str(part) for part in problem["loc"])
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    return f"{place}: {problem['msg']}{more}"


def _check_places(path: Path, said: File) -> None:
    for each in said.reconciliation:
        wrong = unknown_places(each.model_dump(include={"difference"}))
        if wrong:
            known = "{key}, {repair}, {expected.FIELD} and {seen.FIELD}"
            raise WrongReconciliation(f"{path}: {each.name}: {wrong[0]!r} has braces that are none of {known}")


def _facts(said: ReconciliationSaid, environment: Mapping[str, str]) -> dict[str, Any]:
    return {
        "expected": _side(said.expected, environment),
        "seen": _side(said.seen, environment),
        "differences": [_difference(each) for each in said.difference],
        "invariants": [
            rules.invariant(each.name, each.title, holds=partial(_never, each.never.condition()))
            for each in said.invariant
        ],
        "every": timedelta(seconds=said.every_s),
        "key_name": said.key_name,
        "sagas": said.sagas,
        "topics": said.topics,
    }


def _side(said: SideSaid, environment: Mapping[str, str]) -> Side:
    if said.postgres is not None:
        told = said.postgres
        url = partial(_secret, environment, told.url_from, said.what)
        return postgres(said.what, url=url, query=told.query, key=told.key, timeout_s=told.timeout_s)
    if said.http is None:
        raise TypeError("checked before")
    asked = said.http
    return http_api(
        said.what,
        url=asked.url,
        key=asked.key,
        parameter=asked.parameter,
        headers=partial(_headers, environment, asked.token_from, said.what),
        timeout_s=asked.timeout_s,
        parallel=asked.parallel,
        streams=asked.streams,
    )


def _secret(environment: Mapping[str, str], name: str, what: str) -> str:
    """The variable's value, or that of the file which its _FILE names; read at each look, so it can be changed."""
    if environment.get(name):
        return environment[name].strip()
    try:
        return Path(environment[f"{name}_FILE"]).read_text(encoding="utf-8").strip()
    except KeyError:
        raise SideError(f"{what}: neither {name} nor {name}_FILE is set") from None
    except OSError as error:
        raise SideError(f"{what}: {name}_FILE cannot be read: {error.strerror}") from error


def _headers(environment: Mapping[str, str], name: str, what: str) -> Mapping[str, str]:
    return {"Authorization": f"Bearer {_secret(environment, name, what)}"} if name else {}


def _never(condition: Condition, pair: Pair) -> bool:
    return not condition.holds(pair)


def _difference(said: DifferenceSaid) -> rules.Difference:
    return rules.difference(
        said.name,
        said.title,
        when=said.when.condition().holds,
        why=partial(_text, said.why),
        grace=timedelta(seconds=said.grace_s),
        severity=said.severity,
        repairs=[_repair(each) for each in said.repair],
    )


def _repair(said: RepairSaid) -> rules.Repair:
    automatic = said.automatic
    policy = rules.automatic(at_most=automatic.at_most, per=timedelta(seconds=automatic.per_s)) if automatic else None
    return rules.repair(
        said.name,
        said.title,
        commands=_commands(said),
        leads_to=partial(_after, said.becomes),
        policy=policy,
        patience=timedelta(seconds=said.patience_s),
    )


def _commands(said: RepairSaid) -> Callable[[Pair, str], Sequence[Command]]:
    def commands(pair: Pair, repair: str) -> Sequence[Command]:
        fill = partial(filled, pair=pair, repair=repair)
        made: list[Command] = []
        if said.send is not None:
            send = said.send
            made.append(
                AppendEvent(
                    topic=send.topic, key=_key(send.key, pair, repair), event_type=send.type, value=fill(send.value)
                )
            )
        if said.start_saga is not None:
            start = said.start_saga
            key, data = _key(start.key, pair, repair), fill(start.data)
            made.append(StartSaga(definition=start.definition, version=start.version, key=key, data=data))
        if said.act_on_saga is not None:
            act = said.act_on_saga
            made.append(ActOnSaga(definition=act.definition, key=_key(act.key, pair, repair), act=act.act))
        return made

    return commands


def _text(said: str, pair: Pair) -> str:
    told = filled(said, pair)
    return "?" if told is None else str(told)


def _key(said: str, pair: Pair, repair: str) -> str:
    """A key is the thing itself: one that is empty would be the same for everything."""
    found = filled(said, pair, repair=repair)
    if found is None or found == "":
        raise NoSuchField(f"the key {said!r} is empty for {pair.key}")
    return str(found)


def _after(becomes: Becomes, pair: Pair) -> Pair:
    return Pair(
        key=pair.key,
        expected=pair.expected if becomes.expected is None else filled(becomes.expected, pair),
        seen=pair.seen if becomes.seen is None else filled(becomes.seen, pair),
    )
