"""An operator's act as a line of the timeline: "paused replay #118: “wait for the all-clear”"."""

from __future__ import annotations

_VERBS = {
    "letters.replay": "started",
    "letters.replay_pause": "paused",
    "letters.replay_resume": "resumed",
    "letters.replay_cancel": "stopped",
    "letters.replay_rate": "changed the rate of",
    "letters.settle": "settled",
    "letters.discard": "made",
    "letters.restore": "undid",
    "letters.note": "wrote a note on",
    "accounts.manage": "changed",
    "accounts.password": "changed the password of",
    "tokens.own": "made or revoked",
    "tokens.manage": "made or revoked",
    "outbox.release": "released",
    "outbox.discard": "dropped",
    "demo.switch": "switched",
}
_OUTCOMES = {"refused": " (refused)", "failed": " (failed)"}
REASON_CHARS_MAX = 120


def sentence(*, act: str, target: str, outcome: str, reason: str = "") -> str:
    """Say what was done; an act without a verb of its own is named as it is."""
    kind, _, name = target.partition(":")
    thing = f"{kind} #{name}" if name.isdecimal() else f"{kind} {name}".strip()
    cut = reason if len(reason) <= REASON_CHARS_MAX else f"{reason[: REASON_CHARS_MAX - 1]}…"
    said = f"{_VERBS.get(act, act)} {thing}".strip() + _OUTCOMES.get(outcome, "")
    return f"{said}: “{cut}”" if cut else said
