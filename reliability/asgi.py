"""The entry of the web process: HTTP, the one websocket, and the loop that sends live hints."""

from __future__ import annotations

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "reliability.settings")

from django.core.asgi import get_asgi_application  # noqa: E402 - Django's settings must be named first

http = get_asgi_application()

from channels.auth import AuthMiddlewareStack  # noqa: E402 - these import models, which need the apps to be ready
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from channels.security.websocket import AllowedHostsOriginValidator  # noqa: E402

from reliability.live import pulse, sockets  # noqa: E402

application = pulse.with_lifespan(
    ProtocolTypeRouter(
        {
            "http": http,
            "websocket": AllowedHostsOriginValidator(AuthMiddlewareStack(URLRouter(sockets.urlpatterns))),
        }
    )
)
