"""The words of the file that says reconciliations, and what each may be; see ``declared.py``."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from sagas.domain.acts import Act
from sagas.domain.reconciling import definition as rules
from sagas.domain.reconciling.saying import Amount, Condition

LONGEST_S = 30 * 86_400.0
Plain = Annotated[str, Field(pattern=r"^[^{}]+$")]
"""A text without places: it is not filled."""


class Said(BaseModel):
    """Nothing but what is known: a misspelled word is no silent default."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class PostgresSaid(Said):
    """A query in another PostgreSQL; ``url_from`` names the variable that has its address."""

    url_from: str
    query: str
    key: str
    timeout_s: float = Field(default=30.0, gt=0, le=600)


class HttpSaid(Said):
    """An HTTP API; ``token_from`` names the variable that has its bearer token."""

    url: str
    key: str
    parameter: str
    token_from: str = ""
    timeout_s: float = Field(default=5.0, gt=0, le=120)
    parallel: int = Field(default=4, ge=1, le=16)
    streams: bool = False


class SideSaid(Said):
    """One of the two systems."""

    what: str
    postgres: PostgresSaid | None = None
    http: HttpSaid | None = None

    @model_validator(mode="after")
    def _one_way(self) -> SideSaid:
        if (self.postgres is None) is (self.http is None):
            raise ValueError("a side has either postgres or http")
        return self


class When(Said):
    """A condition on both sides; see ``Condition``."""

    expected: Amount | dict[str, Any] | None = None
    seen: Amount | dict[str, Any] | None = None
    differ: list[str | tuple[str, str]] = []

    @field_validator("expected", "seen")
    @classmethod
    def _values(cls, said: object) -> object:
        for name, value in said.items() if isinstance(said, dict) else ():
            wanted = value if isinstance(value, list) else [value]
            if not wanted or not all(isinstance(each, str | int | float | bool) for each in wanted):
                raise ValueError(f"{name} is a text, a number, true or false, or some of these in a list")
            if any(isinstance(each, str) and set(each) & set("{}") for each in wanted):
                raise ValueError(f"{name}: a condition has no places to fill; fields are compared by differ")
        return said

    @model_validator(mode="after")
    def _something(self) -> When:
        if self.expected is None and self.seen is None and not self.differ:
            raise ValueError("say expected, seen or differ: a condition without any is always true")
        return self

    def condition(self) -> Condition:
        """Return it as the domain knows it."""
        pairs = [(each, each) if isinstance(each, str) else each for each in self.differ]
        return Condition(expected=self.expected, seen=self.seen, differ=pairs)


class Send(Said):
    """An event to be appended to the outbox."""

    topic: str = Field(pattern=r"^[A-Za-z0-9._-]{1,249}$")
    type: Plain
    value: dict[str, Any]
    key: str = "{key}"


class Start(Said):
    """A saga to be started."""

    definition: Plain
    version: int = Field(ge=1)
    data: dict[str, Any] = {}
    key: str = "{key}"


class ActSaid(Said):
    """An act on a saga."""

    definition: Plain
    act: Act
    key: str = "{key}"


class Becomes(Said):
    """The sides after a repair; a side that is not said stays as it is."""

    expected: list[dict[str, Any]] | None = None
    seen: list[dict[str, Any]] | None = None


class AutomaticSaid(Said):
    """That nobody needs to apply it, within a limit."""

    at_most: int = Field(ge=1)
    per_s: float = Field(default=3600.0, gt=0, le=LONGEST_S)


class RepairSaid(Said):
    """What would make both sides agree."""

    name: str
    title: str
    send: Send | None = None
    start_saga: Start | None = None
    act_on_saga: ActSaid | None = None
    becomes: Becomes
    automatic: AutomaticSaid | None = None
    patience_s: float = Field(default=rules.PATIENCE.total_seconds(), gt=0, le=LONGEST_S)

    @model_validator(mode="after")
    def _does_something(self) -> RepairSaid:
        if not (self.send or self.start_saga or self.act_on_saga):
            raise ValueError("a repair has send, start_saga or act_on_saga")
        return self


class DifferenceSaid(Said):
    """One way to differ."""

    name: str
    title: str
    when: When
    why: str
    grace_s: float = Field(default=0.0, ge=0, le=LONGEST_S)
    severity: Literal["warn", "crit"] = "crit"
    repair: list[RepairSaid] = []


class InvariantSaid(Said):
    """What must hold, said by what must never be."""

    name: str
    title: str
    never: When


class ReconciliationSaid(Said):
    """Two systems that should agree."""

    name: str
    title: str
    expected: SideSaid
    seen: SideSaid
    difference: list[DifferenceSaid]
    invariant: list[InvariantSaid] = []
    every_s: float = Field(default=rules.EVERY.total_seconds(), ge=1, le=LONGEST_S)
    key_name: str = "key"
    sagas: list[str] = []
    topics: list[str] = []


class File(Said):
    """The whole file."""

    reconciliation: list[ReconciliationSaid]
