"""Which acts on sagas are done in bulk, and what is said of them.

Left out are acts that say something of one saga: that its step happened or not has to be seen, one by one; other data
are other for each; where a saga is resumed from, with everything behind it done anew, is a choice for each.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from reliability.kernel import text
from reliability.kernel.errors import Refused
from sagas.domain.acts import Act, Command
from sagas.domain.history import Side
from sagas.domain.previewing import Preview
from sagas.domain.state import Status

ACTS: Final = (Act.RETRY, Act.PROBE, Act.SKIP, Act.COMPENSATE, Act.RESOLVE, Act.TERMINATE)
FINAL: Final = frozenset({Act.COMPENSATE, Act.RESOLVE, Act.TERMINATE})
"""Nobody can take these back: whoever starts them on a page types how many sagas they concern."""

STEP_CHARACTERS_MAX = 200

_WORDS: Final = {
    Status.RUNNING: "goes on",
    Status.COMPENSATING: "goes back",
    Status.NEEDS_OPERATOR: "needs a person",
    Status.COMPLETED: "completed",
    Status.COMPENSATED: "undone",
    Status.RESOLVED: "resolved",
    Status.TERMINATED: "terminated",
}


class WrongBulkAct(Refused):
    """This is not done in bulk."""

    code = "wrong-bulk-act"
    status = 422


def command(what: Mapping[str, Any]) -> Command:
    """Return the act in ``what``: ``act``, and for skip ``step``; raises ``WrongBulkAct``."""
    name, step = str(what.get("act", "")), str(what.get("step", ""))
    if name not in ACTS:
        one_by_one = ", which is done one by one" if name in set(Act) else ""
        told = text.printable(name, limit=40)
        raise WrongBulkAct(f"{told!r} is no act in bulk{one_by_one}; there are {', '.join(ACTS)}.")
    act = Act(name)
    if act is not Act.SKIP:
        if step:
            raise WrongBulkAct(f"{act} takes no step.")
        return Command(act=act)
    if not step or len(step) > STEP_CHARACTERS_MAX or not text.is_storable(step):
        raise WrongBulkAct("Skip takes the name of the step to skip: sagas that are at another one are left out.")
    return Command(act=act, step=step)


def follows(seen: Preview) -> str:
    """Say what an act leads to: right after it and, if that is not all, at the end."""
    at_once, at_end = _WORDS[seen.status], _WORDS[seen.ends]
    if seen.status is seen.ends:
        return f"{at_once} at once"
    return f"{at_once}, {at_end} when every call succeeds" if seen.calls else f"{at_once}, then {at_end}"


def done(entry: int, status: Status) -> str:
    """Say what became of a saga on which the act was done."""
    return f"entry {entry} of its history: {_WORDS[status]}"


def effects(seen: Preview) -> tuple[str, ...]:
    """Return what is called, in words."""
    return tuple(f"undo {call.step}" if call.side is Side.UNDO else call.step for call in seen.calls)
