"""``manage.py alerts``: what is wrong, who knows, and the acts of whoever is on call."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Iterable
from typing import Any, Final

from django.core.management.base import CommandError
from ninja import Schema

from reliability import access
from reliability.alerts.api import bodies, channels, deliveries, incidents, mutes, rule_bodies
from reliability.alerts.api import rules as rules_api
from reliability.alerts.api.bodies import AlertChannel, AlertDelivery
from reliability.alerts.evaluator.preview import preview
from reliability.alerts.management import arguments, printing
from reliability.alerts.models.deliveries import State
from reliability.alerts.operations import acting, rules
from reliability.alerts.queries import log
from reliability.alerts.queries import rules as saved
from reliability.kernel import clock, command_line
from reliability.kernel.errors import Refused

WAIT_S_MAX: Final = 600.0
POLL_S: Final = 0.5


class Command(command_line.PeopleCommand):
    """One subcommand for each question and act; acts need ``--as`` an account, and are on record."""

    help = """\
Incidents, and who is told of them. Without --as questions show everything; with it, what that account may see.

Exit status: 0 answered or done, 1 refused; for test --wait also 1 when the channel did not take the message."""
    examples = (
        ("alerts", "list"),
        ("alerts", "show", "12"),
        ("alerts", "ack", "12", "--reason", "restarting the consumer", "--as", "ana"),
        ("alerts", "mute", "--room", "lag", "--minutes", "30", "--reason", "broker upgrade", "--as", "ana"),
        ("alerts", "mutes"),
        ("alerts", "unmute", "3", "--as", "ana"),
        ("alerts", "rule", "preview", "slow-payments.json"),
        ("alerts", "rule", "save", "slow-payments.json", "--reason", "protects checkout", "--as", "ada"),
        ("alerts", "test", "on-call", "--wait", "30", "--as", "ana"),
        ("alerts", "deliveries", "--state", "given_up"),
        ("alerts", "send-again", "118", "--as", "ana"),
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Define the subcommands."""
        arguments.define(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Answer, or act."""
        word = options["word"].replace("-", "_")
        getattr(self, f"_rule_{options['deed']}" if word == "rule" else f"_{word}")(options)

    def _list(self, options: dict[str, Any]) -> None:
        actor, now = arguments.reader(options), clock.SYSTEM.now()
        state: incidents.State = "over" if options["over"] else "open"
        if state == "open" and options["before"] is not None:
            raise CommandError("Open incidents are one page: --before goes with --over.")
        found = incidents.listed(actor=actor, state=state, **arguments.page(options))
        if self._is_json(options, found):
            return
        self._lines(printing.incident_lines(found, now=now))
        if not found.items:
            self.stdout.write("no incident is open" if state == "open" else "no incident is over")
        self._more(found.next)
        if state == "open":
            told, wrong = _channels()
            self._asides([*printing.warnings(found, told, now=now), *wrong])

    def _show(self, options: dict[str, Any]) -> None:
        found = incidents.whole(arguments.number(options), actor=arguments.reader(options))
        if not self._is_json(options, found):
            self._lines(printing.whole_lines(found, now=clock.SYSTEM.now()))

    def _ack(self, options: dict[str, Any]) -> None:
        number, actor = arguments.number(options), arguments.actor(options)
        done = incidents.acknowledge(number, reason=options["reason"], actor=actor)
        if not self._is_json(options, done):
            self.stdout.write(f"incident {done.id} is with {printing.cut(done.acknowledged_by)}")

    def _mute(self, options: dict[str, Any]) -> None:
        now = clock.SYSTEM.now()
        covers, of = arguments.covered(options)
        row = acting.mute(
            covers=covers,
            of=of,
            lasts=arguments.lasts(options),
            reason=options["reason"],
            actor=arguments.actor(options),
            now=now,
        )
        made = bodies.mute(row, now=now)
        if not self._is_json(options, made):
            end = command_line.spelled("alerts", "unmute", str(made.id), "--as", options["account"])
            until = printing.moment(made.until)
            self.stdout.write(f"nobody is told of {printing.cut(made.in_words)} until {until}; to end it: {end}")

    def _mutes(self, options: dict[str, Any]) -> None:
        found = mutes.listed()
        if self._is_json(options, found):
            return
        self._lines(printing.mute_lines(found.items))
        if not found.items:
            self.stdout.write("nothing is muted")
        if found.past:
            self.stdout.write("over:")
            self._lines(printing.mute_lines(found.past))

    def _unmute(self, options: dict[str, Any]) -> None:
        number, actor, now = arguments.number(options), arguments.actor(options), clock.SYSTEM.now()
        done = bodies.mute(acting.unmute(number=number, actor=actor, now=now), now=now)
        if not self._is_json(options, done):
            self.stdout.write(f"{printing.cut(done.in_words)}: the mute is over")

    def _rules(self, options: dict[str, Any]) -> None:
        found = rules_api.listed()
        if self._is_json(options, found):
            return
        self._lines(printing.rule_lines(found.items))
        if not found.items:
            self.stdout.write("there is no rule: nobody is told of anything")

    def _rule_show(self, options: dict[str, Any]) -> None:
        found = rule_bodies.rule(saved.one(options["name"]))
        if self._is_json(options, found):
            return
        self.aside(f"{found.sentence or found.problem} Version {found.version}, {'on' if found.on else 'off'}.")
        self.stdout.write(json.dumps(found.rule, indent=2))

    def _rule_preview(self, options: dict[str, Any]) -> None:
        seen = rule_bodies.preview(preview(arguments.rule(options["file"]), actor=arguments.reader(options)))
        if self._is_json(options, seen):
            return
        self._lines(printing.preview_lines(seen))
        self._asides(printing.preview_warnings(seen))

    def _rule_save(self, options: dict[str, Any]) -> None:
        wanted, actor = arguments.rule(options["file"]), arguments.actor(options)
        row = rules.save(
            wanted=wanted,
            is_on=not options["off"],
            reason=options["reason"],
            actor=actor,
            version=saved.version(wanted.name),
            now=clock.SYSTEM.now(),
        )
        done = rule_bodies.rule(row)
        if not self._is_json(options, done):
            self._lines(printing.rule_lines([done]))

    def _rule_delete(self, options: dict[str, Any]) -> None:
        name, actor = options["name"], arguments.actor(options)
        rules.delete(name=name, reason=options["reason"], actor=actor, version=saved.version(name))
        self.stdout.write("{}" if options["json"] else f"{name} is deleted: what it raised is over at the next look")

    def _channels(self, options: dict[str, Any]) -> None:
        found = channels.listed()
        if self._is_json(options, found):
            return
        self._lines(printing.channel_lines(found.items, now=clock.SYSTEM.now()))
        if not found.items:
            self.stdout.write("there is no channel: MAINSTAY_ALERT_CHANNELS names whom to tell (README, Be told)")

    def _test(self, options: dict[str, Any]) -> None:
        wait_s = options["wait"]
        if wait_s is not None and not 0 < wait_s <= WAIT_S_MAX:
            raise CommandError(f"--wait is more than 0 and at most {WAIT_S_MAX:g} seconds.")
        actor = arguments.actor(options)
        row = acting.test(channel=options["channel"], actor=actor, now=clock.SYSTEM.now())
        told = bodies.delivery(row) if wait_s is None else _waited(row.pk, actor, wait_s)
        if not self._is_json(options, told):
            self.stdout.write(f"message {told.id} to {told.channel}: {told.answer or 'on its way'}")
        if wait_s is not None and told.state != State.SENT:
            raise CommandError(_not_taken(told, wait_s))

    def _deliveries(self, options: dict[str, Any]) -> None:
        page = arguments.page(options)
        found = deliveries.listed(
            actor=arguments.reader(options), state=options["state"], channel=options["channel"], **page
        )
        if self._is_json(options, found):
            return
        self._lines(printing.delivery_lines(found.items))
        if not found.items:
            self.stdout.write("no message matches" if options["state"] or options["channel"] else "nobody was told yet")
        self._more(found.next)

    def _send_again(self, options: dict[str, Any]) -> None:
        done = deliveries.send_again(arguments.number(options), actor=arguments.actor(options))
        if not self._is_json(options, done):
            self.stdout.write(f"message {done.id} is on its way to {done.channel} again")

    def _is_json(self, options: dict[str, Any], document: Schema) -> bool:
        if options["json"]:
            self.stdout.write(document.model_dump_json())
        return bool(options["json"])

    def _lines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.stdout.write(line.rstrip())

    def _asides(self, warnings: Iterable[str]) -> None:
        for warning in warnings:
            self.aside(f"! {warning}")

    def _more(self, following: int | None) -> None:
        if following is not None:
            self.aside(f"there are more: --before {following}")


def _channels() -> tuple[list[AlertChannel], list[str]]:
    """The channels, or why they cannot be told: incidents are shown all the same."""
    try:
        return channels.listed().items, []
    except Refused as refused:
        return [], [str(refused)]


def _waited(number: int, actor: access.Actor, wait_s: float) -> AlertDelivery:
    """Look at a message until it was taken, refused for good, or its time is over."""
    began = clock.SYSTEM.monotonic()
    while True:
        row = log.one(number, actor=actor).row
        if row.state != State.WAITING or clock.SYSTEM.monotonic() - began >= wait_s:
            return bodies.delivery(row)
        clock.SYSTEM.sleep(min(POLL_S, wait_s))


def _not_taken(told: AlertDelivery, wait_s: float) -> str:
    if told.attempts == 0:
        return f"Nobody has sent it within {wait_s:g} s: a worker for the queue critical does, at the word of beat."
    return f"{told.channel} did not take it within {wait_s:g} s: {printing.cut(told.answer)}"
