"""Mail over SMTP. Messages about one incident are one thread, also for readers that go by subjects."""

from __future__ import annotations

import hashlib
import smtplib
import ssl
from contextlib import suppress
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime

from reliability.alerts.domain.answer import Answer
from reliability.alerts.domain.channels import Channel
from reliability.alerts.domain.message import Message
from reliability.alerts.domain.telling import Event


def send(channel: Channel, message: Message, number: str, now: datetime) -> Answer:
    """Hand it to the mailer. Raises ``smtplib.SMTPException``, ``OSError``."""
    letter = letter_of(channel, message, number, now)
    mailer = _connected(channel)
    try:
        if channel.username:
            mailer.login(channel.username, channel.password)
        refused = mailer.send_message(letter, from_addr=channel.sender, to_addrs=list(channel.to))
        with suppress(smtplib.SMTPException, OSError):  # it was taken: however they part, nobody is told twice
            mailer.quit()
    finally:
        mailer.close()
    if refused:  # some were taken: sending anew would tell those twice
        return Answer(is_taken=True, text=f"taken, but not for {', '.join(sorted(refused))}", status=250)
    return Answer(is_taken=True, text="taken by the mailer", status=250)


def _connected(channel: Channel) -> smtplib.SMTP:
    context = ssl.create_default_context()
    if channel.security == "tls":
        return smtplib.SMTP_SSL(channel.host, channel.port, timeout=channel.timeout_s, context=context)
    mailer = smtplib.SMTP(channel.host, channel.port, timeout=channel.timeout_s)
    try:
        if channel.security == "starttls":
            mailer.starttls(context=context)
    except BaseException:
        mailer.close()
        raise
    return mailer


def letter_of(channel: Channel, message: Message, number: str, now: datetime) -> EmailMessage:
    """Return the mail. ``Message-ID`` is the same for each try, so that a mailbox shows it once."""
    host = channel.sender.partition("@")[2]
    thread = f"<{hashlib.sha256(message.dedup_key.encode()).hexdigest()[:32]}@{host}>"
    letter = EmailMessage()
    letter["Subject"] = " ".join(message.subject.split())
    letter["From"], letter["To"] = channel.sender, ", ".join(channel.to)
    letter["Date"] = format_datetime(now)
    letter["Message-ID"] = thread if message.event is Event.TRIGGER else f"<{number}@{host}>"
    if message.event is not Event.TRIGGER:
        letter["In-Reply-To"] = letter["References"] = thread
    letter["Auto-Submitted"] = "auto-generated"
    letter.set_content(message.text)
    return letter
