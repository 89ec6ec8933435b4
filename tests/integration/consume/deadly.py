"""A process of a service whose handler dies over one of its records: run as a module, with group and topic."""

from __future__ import annotations

import os
import sys
import threading

import django

DEADLY = b"deadly"
HARMLESS = b"harmless"
EXIT_DIED = 9


def main(group: str, topic: str) -> None:
    """Consume until the harmless record is handled, or the deadly one ends the process."""
    django.setup()
    import outbox
    from outbox.consume import Consumer, Message

    stop = threading.Event()

    def handler(message: Message) -> None:
        if message.value == DEADLY:
            os._exit(EXIT_DIED)  # what a segmentation fault or the kernel's memory killer looks like from outside
        outbox.append(topic="handled", value=message.value)
        stop.set()

    # A static member: the next process takes over at once, instead of after the dead one's session.
    Consumer(group=group, topics=[topic], handler=handler, instance_id="only").run(stop)


if __name__ == "__main__":
    main(*sys.argv[1:])
