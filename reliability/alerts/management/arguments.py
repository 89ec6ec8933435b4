"""What may be typed after ``manage.py alerts``, and what is read from it."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import orjson
from django.core.management.base import CommandError

from reliability import access
from reliability.alerts.domain import packing
from reliability.alerts.domain.muting import Covers
from reliability.alerts.domain.rule import Rule
from reliability.alerts.models.deliveries import State
from reliability.kernel.text import printable

RULE_CHARS_MAX: Final = 100_000
NUMBER_MAX: Final = 2**63 - 1
PAGE: Final = 50
PAGE_MAX: Final = 200
LINE: Final = 160
_COVERS: Final = {
    Covers.EVERYTHING: ("", "all there is"),
    Covers.RULE: ("NAME", "what this rule raises"),
    Covers.ROOM: ("PAGE", "things of this page, such as lag"),
    Covers.INCIDENT: ("ID", "this incident"),
    Covers.THINGS: ("GLOB", "things with an id like this, such as lag:*"),
}


def define(parser: ArgumentParser) -> None:
    """Define the subcommands."""
    words = parser.add_subparsers(dest="word", required=True)
    listed = _asking(words.add_parser("list", help="open incidents, the worst first"))
    listed.add_argument("--over", action="store_true", help="those that are over instead, the newest first")
    _paged(listed)
    _asking(_numbered(words.add_parser("show", help="one, with its alerts, what happened and who was told")))
    _reasoned(_acting(_numbered(words.add_parser("ack", help="say that you look after an incident"))))
    _muting(words.add_parser("mute", help="have nobody told of something for a while"))
    _json(words.add_parser("mutes", help="the mutes that last, and the newest of those that are over"))
    _acting(
        _numbered(
            words.add_parser("unmute", help="end a mute; what stands and nobody has heard of yet is told at once")
        )
    )
    _json(words.add_parser("rules", help="every rule as a sentence, and how it stands"))
    _of_rules(words.add_parser("rule", help="one rule: show, preview, save, delete"))
    _json(words.add_parser("channels", help="whom alerts are told, and whether that works"))
    test = _acting(words.add_parser("test", help="send a message over a channel that says it is a test"))
    test.add_argument("channel")
    test.add_argument("--wait", type=float, metavar="SECONDS", help="until it is taken; else say why it is not")
    messages = _asking(words.add_parser("deliveries", help="messages, the newest first"))
    messages.add_argument("--state", default="", choices=State.values, help="only these")
    messages.add_argument("--channel", default="", help="only those to this channel")
    _paged(messages)
    _acting(_numbered(words.add_parser("send-again", help="send a message again that was given up")))


def _muting(parser: ArgumentParser) -> None:
    what = parser.add_mutually_exclusive_group(required=True)
    for covers, (metavar, help_) in _COVERS.items():
        if metavar:
            what.add_argument(f"--{covers.value}", metavar=metavar, help=help_)
        else:
            what.add_argument(f"--{covers.value}", action="store_true", help=help_)
    parser.add_argument("--minutes", type=float, required=True, help="how long, a week at most")
    _reasoned(_acting(parser))


def _of_rules(parser: ArgumentParser) -> None:
    deeds = parser.add_subparsers(dest="deed", required=True)
    shown = _json(deeds.add_parser("show", help="print it as save takes it"))
    shown.add_argument("name")
    for deed, help_ in (("preview", "say what a rule would take right now"), ("save", "save it, new or changed")):
        act = deeds.add_parser(deed, help=help_)
        act.add_argument("file", help="a file with the rule as JSON; - reads standard input")
        if deed == "preview":
            _asking(act)
        else:
            act.add_argument("--off", action="store_true", help="saved, and not looked at yet")
            _reasoned(_acting(act))
    gone = _reasoned(_acting(deeds.add_parser("delete", help="delete it; what it raised is over at the next look")))
    gone.add_argument("name")


def _json(parser: ArgumentParser) -> ArgumentParser:
    parser.add_argument("--json", action="store_true", help="print JSON, as the API does")
    return parser


def _asking(parser: ArgumentParser) -> ArgumentParser:
    parser.add_argument("--as", dest="account", metavar="USER", help="the account whose rights count")
    return _json(parser)


def _acting(parser: ArgumentParser) -> ArgumentParser:
    parser.add_argument("--as", dest="account", required=True, metavar="USER", help="the account whose rights count")
    return _json(parser)


def _reasoned(parser: ArgumentParser) -> ArgumentParser:
    parser.add_argument("--reason", default="", help="goes on record")
    return parser


def _numbered(parser: ArgumentParser) -> ArgumentParser:
    parser.add_argument("number", type=int, metavar="ID")
    return parser


def _paged(parser: ArgumentParser) -> None:
    parser.add_argument("--before", type=int, metavar="ID", help="go on where the page before ended")
    parser.add_argument("--limit", type=int, default=PAGE, help=f"how many, {PAGE} unless given, {PAGE_MAX} at most")


def reader(options: dict[str, Any]) -> access.Actor:
    """Return who asks: an account, or whoever runs the command on the console's host."""
    actor = access.cli_actor(options["account"]) if options["account"] else access.host_actor()
    access.admit(actor, "alerts.view")
    return actor


def actor(options: dict[str, Any]) -> access.Actor:
    """Return the account that acts; raises ``NoSuchAccount``."""
    return access.cli_actor(options["account"])


def number(options: dict[str, Any]) -> int:
    """Return an id; raises ``CommandError`` for what none can be."""
    return _id(options["number"])


def page(options: dict[str, Any]) -> dict[str, Any]:
    """Return which part of a list; raises ``CommandError``."""
    if not 1 <= options["limit"] <= PAGE_MAX:
        raise CommandError(f"--limit is 1 to {PAGE_MAX}.")
    before = _id(options["before"]) if options["before"] is not None else None
    return {"before": before, "limit": options["limit"]}


def _id(given: int) -> int:
    if not 1 <= given <= NUMBER_MAX:
        raise CommandError("An id is a number from 1 on, such as 12; alerts list and alerts deliveries show them.")
    return given


def lasts(options: dict[str, Any]) -> timedelta:
    """Return for how long; what is no span at all is zero, which the operation refuses."""
    minutes = options["minutes"]
    return timedelta(minutes=minutes) if 0 < minutes < 10**6 else timedelta(0)


def covered(options: dict[str, Any]) -> tuple[Covers, str]:
    """Return what a mute covers, and which of it."""
    covers = next(each for each in Covers if options[each.value] not in (None, False))
    return covers, "" if covers is Covers.EVERYTHING else options[covers.value]


def rule(file: str) -> Rule:
    """Return the rule of a file, or of standard input for -; raises ``CommandError`` for what is none."""
    try:
        if file == "-":
            text = sys.stdin.read(RULE_CHARS_MAX)
        else:
            with Path(file).open(encoding="utf-8") as opened:
                text = opened.read(RULE_CHARS_MAX)
        return packing.rule_read(orjson.loads(text))
    except (OSError, ValueError) as error:
        said = printable(" ".join(str(error).split()), limit=LINE)
        raise CommandError(f"{printable(file, limit=LINE)} cannot be read as a rule: {said}") from error
