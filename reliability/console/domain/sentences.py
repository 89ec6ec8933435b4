"""An operator's act as a line of the timeline: "paused replay #118: “wait for the all-clear”"."""

from __future__ import annotations

_VERBS = {
    "letters.replay": ("started", "start"),
    "letters.replay_pause": ("paused", "pause"),
    "letters.replay_resume": ("resumed", "resume"),
    "letters.replay_cancel": ("stopped", "stop"),
    "letters.replay_rate": ("changed the rate of", "change the rate of"),
    "letters.settle": ("settled", "settle"),
    "letters.discard": ("made", "make"),
    "letters.restore": ("undid", "undo"),
    "letters.note": ("wrote a note on", "write a note on"),
    "accounts.manage": ("changed", "change"),
    "accounts.password": ("changed the password of", "change the password of"),
    "tokens.own": ("made or revoked", "make or revoke"),
    "tokens.manage": ("made or revoked", "make or revoke"),
    "outbox.pause": ("paused", "pause"),
    "outbox.resume": ("resumed", "resume"),
    "outbox.accept_database": ("accepted the database of", "accept the database of"),
    "outbox.release": ("released", "release"),
    "outbox.discard": ("dropped", "drop"),
    "lag.reset": ("reset the offsets of", "reset the offsets of"),
    "lag.unmute": ("ended the mute of", "end the mute of"),
    "lag.mute": ("muted the alerts of", "mute the alerts of"),
    "sagas.act": ("acted on", "act on"),
    "sagas.batch_cancel": ("cancelled the rest of", "cancel the rest of"),
    "breakers.override": ("decided about", "decide about"),
    "breakers.rules": ("changed the rules of", "change the rules of"),
    "breakers.reset": ("reset", "reset"),
    "degradation.set": ("set", "set"),
    "degradation.extend": ("extended", "extend"),
    "degradation.clear": ("took back", "take back"),
    "degradation.hold": ("stopped deciding:", "stop deciding:"),
    "degradation.release": ("released", "release"),
    "degradation.schedule": ("changed the schedule of", "change the schedule of"),
    "degradation.policy": ("changed", "change"),
    "alerts.acknowledge": ("acknowledged", "acknowledge"),
    "alerts.mute": ("muted", "mute"),
    "alerts.unmute": ("ended the mute of", "end the mute of"),
    "alerts.test": ("tested", "test"),
    "alerts.send_again": ("sent again", "send again"),
    "alerts.rule": ("changed", "change"),
    "demo.switch": ("marked", "mark"),
}
"""What was done, and what was only tried."""
_NOT_DONE = {"refused": "was refused: ", "failed": "failed: "}
REASON_CHARS_MAX = 120


def sentence(*, act: str, target: str, outcome: str, reason: str = "", on: object = None, title: object = None) -> str:
    """Say what was done, or what was not; an act without a verb of its own is named as it is. ``on``: whether a fault
    was switched on, None for what is no switch. ``title``: what its target is called, where it has a name."""
    thing = title if title and isinstance(title, str) else _thing(target)
    cut = reason if len(reason) <= REASON_CHARS_MAX else f"{reason[: REASON_CHARS_MAX - 1]}…"
    done, tried = _VERBS.get(act, (act, act))
    way = (" as broken" if on else " as recovered") if isinstance(on, bool) else ""
    said = f"{_NOT_DONE.get(outcome, '')}{tried if outcome in _NOT_DONE else done} {thing}".strip() + way
    return f"{said}: “{cut}”" if cut else said


def _thing(target: str) -> str:
    """ "replay:118" in words: "replay #118"."""
    kind, _, name = target.partition(":")
    if kind == "outbox":
        name = name.replace(":", " ")
    return f"{kind} #{name}" if name.isdecimal() else f"{kind} {name}".strip()
