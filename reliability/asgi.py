"""The entry of the web process: HTTP, the one websocket, and the loop that sends live hints."""

from __future__ import annotations

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "reliability.settings")

from django.core.asgi import get_asgi_application

http = get_asgi_application()

from channels.routing import ProtocolTypeRouter  # noqa: E402 - these import models, which need the apps to be ready

from reliability.console import bodies, outage, static  # noqa: E402
from reliability.live import sockets  # noqa: E402
from reliability.live.lifespan import with_lifespan  # noqa: E402

application = with_lifespan(
    ProtocolTypeRouter({"http": bodies.within_limit(http), "websocket": sockets.application}),
    background=[outage.WATCH.watch],
    why_not=static.why_no_page,
)
