"""``manage.py tokens``: the API tokens of all accounts; revoking one. ``create_token`` makes them."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from reliability import access
from reliability.access import queries
from reliability.access.models import ApiToken
from reliability.console.operations import accounts
from reliability.kernel import clock, command_line

LISTED_MAX = 500


class Command(command_line.PeopleCommand):
    """List and revoke API tokens. Whoever may run commands on this host may do this."""

    help = "Lists the API tokens that count now, or revokes one with everything that was made from it."
    examples = (("tokens", "list"), ("tokens", "list", "--username", "ada"), ("tokens", "revoke", "17"))

    def add_arguments(self, parser: CommandParser) -> None:
        """Define what to do."""
        inner = parser.add_subparsers(dest="what", required=True)
        listing = inner.add_parser("list", help="id, account and name, start, rights, last use, end")
        listing.add_argument("--username", default="", help="of this account alone")
        inner.add_parser("revoke", help="end one at once").add_argument("id", type=int)

    def handle(self, *args: Any, **options: Any) -> None:
        """List or revoke."""
        now = clock.SYSTEM.now()
        if options["what"] == "revoke":
            token = ApiToken.objects.select_related("account__user").filter(pk=min(options["id"], 2**62)).first()
            if token is None or token.revoked_at is not None:
                raise queries.NoSuchToken("There is no such token any more.")
            accounts.revoke_token(actor=access.host_actor(), token=token, now=now)
            self.stdout.write(f"{token}: no longer opens anything")
            return
        for token in queries.living_tokens(limit=LISTED_MAX, now=now):
            if options["username"] in ("", token.account.user.get_username()):
                self.stdout.write(_line(token))


def _line(token: ApiToken) -> str:
    may = token.role if token.acts is None else ", ".join(token.acts)
    topics = "" if token.topic_scopes is None else f" in {', '.join(token.topic_scopes)}"
    used = f"used {token.last_used_at:%Y-%m-%d %H:%M}" if token.last_used_at else "never used"
    return f"{token.pk}  {token}  {token.shown}  {may}{topics}  {used}  until {token.expires_at:%Y-%m-%d}"
