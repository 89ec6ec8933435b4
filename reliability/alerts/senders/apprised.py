"""Anything that the library Apprise can reach."""

from __future__ import annotations

from datetime import datetime

from reliability.alerts.domain.answer import Answer
from reliability.alerts.domain.channels import Channel
from reliability.alerts.domain.message import Message
from reliability.alerts.domain.telling import Event


def send(channel: Channel, message: Message, number: str, now: datetime) -> Answer:
    """Hand it to the library; what it says of why something failed stands in the worker's log alone."""
    import apprise  # half a second and 20 MB that only those who use it pay for

    asset = apprise.AppriseAsset(async_mode=False)  # in this thread, where its connections are looked at
    known = apprise.Apprise(asset=asset)
    if not known.add(channel.url):
        return Answer(is_taken=False, text="its address is none that Apprise knows", is_final=True)
    kinds = {Event.RESOLVE: apprise.NotifyType.SUCCESS, Event.TEST: apprise.NotifyType.INFO}
    kind = kinds.get(
        message.event, apprise.NotifyType.FAILURE if message.severity == "crit" else apprise.NotifyType.WARNING
    )
    if known.notify(title=message.subject, body="\n".join(message.lines), notify_type=kind):
        return Answer(is_taken=True, text="taken by Apprise")
    return Answer(is_taken=False, text="Apprise could not deliver it; the log of the worker says more")
