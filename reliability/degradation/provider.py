"""An OpenFeature provider that reads this process's memory: no request, no lock, the same levels as ``flag()``.

``openfeature.api.set_provider(DegradationProvider())``. A flag's number is its level, its text the level's name; it is
nothing else. With an error OpenFeature gives the default that the caller named.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn, TypeVar

from openfeature.evaluation_context import EvaluationContext
from openfeature.event import ProviderEventDetails
from openfeature.exception import FlagNotFoundError, TypeMismatchError
from openfeature.flag_evaluation import FlagResolutionDetails, FlagValueType, Reason
from openfeature.provider import AbstractProvider, Metadata

from reliability.degradation import registry
from reliability.degradation.domain.flags import Declaration
from reliability.degradation.domain.precedence import Source, Standing
from reliability.degradation.local.flag import Flag
from reliability.kernel import clock

T = TypeVar("T")


class DegradationProvider(AbstractProvider):
    """Levels of flags that this process declares, and of all others that it has heard of."""

    def __init__(self) -> None:
        super().__init__()
        self._words: dict[str, tuple[Standing, dict[str, Any]]] = {}

    def get_metadata(self) -> Metadata:
        """Say what this is."""
        return Metadata(name="Mainstay degradation")

    def initialize(self, evaluation_context: EvaluationContext) -> None:
        """Find out what holds; waits a second at most."""
        agent = registry.agent()
        agent.known()
        for flag in registry.flags():
            flag.level  # noqa: B018 - from its first read on somebody looks after it
        if self._changed not in agent.listeners:
            agent.listeners.append(self._changed)

    def shutdown(self) -> None:
        """Tell nobody of changes any more."""
        listeners = registry.agent().listeners
        if self._changed in listeners:
            listeners.remove(self._changed)

    def resolve_integer_details(
        self, flag_key: str, default_value: int, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[int]:
        """Return the level in force."""
        return self._resolved(flag_key, lambda level, _: level)

    def resolve_float_details(
        self, flag_key: str, default_value: float, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[float]:
        """Return the level in force."""
        return self._resolved(flag_key, lambda level, _: float(level))

    def resolve_string_details(
        self, flag_key: str, default_value: str, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[str]:
        """Return the name of the level in force."""
        return self._resolved(flag_key, lambda level, declaration: declaration.levels[level].name)

    def resolve_boolean_details(
        self, flag_key: str, default_value: bool, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[bool]:
        """Refuse: a level is no yes or no, and which of them is the better one could only be guessed."""
        _refuse(flag_key)

    def resolve_object_details(
        self,
        flag_key: str,
        default_value: Sequence[FlagValueType] | Mapping[str, FlagValueType],
        evaluation_context: EvaluationContext | None = None,
    ) -> FlagResolutionDetails[Sequence[FlagValueType] | Mapping[str, FlagValueType]]:
        """Refuse: a level has no parts; what is known of it is in the metadata."""
        _refuse(flag_key)

    def _resolved(self, key: str, value_of: Callable[[int, Declaration], T]) -> FlagResolutionDetails[T]:
        """What is known of a level is put into words once for each standing, not at each evaluation."""
        level, standing, declaration = _found(key)
        kept = self._words.get(key)
        if kept is None or kept[0] is not standing:
            kept = self._words[key] = (standing, _words(level, standing, declaration))
        return FlagResolutionDetails(
            value=value_of(level, declaration),
            reason=Reason.DEFAULT if standing.decides.source is Source.DEFAULT else Reason.STATIC,
            variant=declaration.levels[level].name,
            flag_metadata=kept[1],
        )

    def _changed(self, changed: Mapping[str, Flag]) -> None:
        if hasattr(self, "_on_emit"):  # attached to a client
            self.emit_provider_configuration_changed(ProviderEventDetails(flags_changed=sorted(changed)))


def _found(key: str) -> tuple[int, Standing, Declaration]:
    flag = registry.known(key)
    if flag is not None:
        return flag.level, flag.standing, flag.declaration
    snapshot = registry.agent().known()
    held = snapshot.flags.get(key) if snapshot is not None else None
    if held is None:
        raise FlagNotFoundError(f"No degradation flag is called {key[:80]!r}: flags are declared in code.")
    standing = held.standing(clock.SYSTEM.now())
    return held.declaration.known(standing.level), standing, held.declaration


def _refuse(key: str) -> NoReturn:
    _found(key)
    raise TypeMismatchError(f"{key} is a degradation flag: ask for its level as an integer, or its name as a string.")


def _words(level: int, standing: Standing, declaration: Declaration) -> dict[str, Any]:
    words: dict[str, Any] = {
        "degraded": level > 0,
        "loses": declaration.levels[level].loses,
        "decides": standing.decides.source.value,
        "why": standing.why,
    }
    if standing.decides.until is not None:
        words["until"] = standing.decides.until.isoformat(timespec="seconds")
    return words
