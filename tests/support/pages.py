"""A page's side of the websocket, spoken straight to the application. (Channels' own needs a server we do not use.)"""

from __future__ import annotations

import asyncio
import json
from typing import Any

from asgiref.testing import ApplicationCommunicator


class Page:
    """One open page; times out after ``within_s`` seconds of waiting."""

    def __init__(self, application: Any, path: str, *, headers: list[tuple[bytes, bytes]]) -> None:
        scope = {"type": "websocket", "path": path, "query_string": b"", "headers": headers, "subprotocols": []}
        self._talk = ApplicationCommunicator(application, scope)

    async def connect(self) -> bool:
        """Whether the server let it in."""
        await self._talk.send_input({"type": "websocket.connect"})
        return (await self._output(3.0))["type"] == "websocket.accept"

    async def send(self, message: Any) -> None:
        """Send JSON."""
        await self.send_text(json.dumps(message))

    async def send_text(self, text: str) -> None:
        """Send any text."""
        await self._talk.send_input({"type": "websocket.receive", "text": text})

    async def send_bytes(self, data: bytes) -> None:
        """Send bytes."""
        await self._talk.send_input({"type": "websocket.receive", "bytes": data})

    async def told(self, word: str, *, within_s: float = 3.0) -> Any:
        """The next message of that kind; a ping comes whole."""
        async with asyncio.timeout(within_s):
            while True:
                message = json.loads((await self._output(within_s))["text"])
                if word in message:
                    return message if word == "ping" else message[word]

    async def closed(self, *, within_s: float = 5.0) -> int:
        """The code it was closed with."""
        async with asyncio.timeout(within_s):
            while True:
                message = await self._output(within_s)
                if message["type"] == "websocket.close":
                    return int(message["code"])

    async def leave(self) -> None:
        """Go away, as a browser does."""
        await self._talk.send_input({"type": "websocket.disconnect", "code": 1001})
        await self._talk.wait(timeout=3)

    async def _output(self, within_s: float) -> dict[str, Any]:
        """The next frame. Not the communicator's own wait: that one ends the application when nothing comes."""
        message: dict[str, Any] = await asyncio.wait_for(self._talk.output_queue.get(), within_s)
        return message
