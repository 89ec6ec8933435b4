"""Anything that the library Apprise can reach over the network."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from reliability.alerts.domain.answer import Answer
from reliability.alerts.domain.channels import Channel
from reliability.alerts.domain.message import Message
from reliability.alerts.domain.telling import Event

NOT_FROM_HERE: Final = frozenset({"dbus", "glib", "gnome", "kde", "macosx", "qt", "syslog", "windows", "xmpp", "xmpps"})
"""Ways that tell this machine alone, or connect where the guard does not look."""


def send(channel: Channel, message: Message, number: str, now: datetime) -> Answer:
    """Hand it to the library; what it says of why something failed stands in the worker's log alone."""
    import apprise  # half a second and 20 MB that only those who use it pay for

    scheme = channel.url.partition("://")[0]
    service = None if scheme in NOT_FROM_HERE else apprise.Apprise.instantiate(channel.url)
    if service is None:
        return Answer(is_taken=False, text=f"{scheme}:// is no way out that Apprise offers here", is_final=True)
    # The service itself, not the library's pool: it sends in this thread, where its connections are looked at.
    if service.notify(title=message.subject, body="\n".join(message.lines), notify_type=_kind(message)):
        return Answer(is_taken=True, text="taken by Apprise")
    return Answer(is_taken=False, text="Apprise could not deliver it; the log of the worker says more")


def _kind(message: Message) -> str:
    if message.event is Event.RESOLVE:
        return "success"
    if message.event is Event.TEST:
        return "info"
    return "failure" if message.severity == "crit" else "warning"
