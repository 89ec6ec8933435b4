"""Key, value and headers over REST: exact for those who may see secrets, masked as on the pages for all others."""

from __future__ import annotations

from base64 import b64encode

from ninja import Field, Schema

from dlq.domain import headers as header_views
from dlq.domain import payload
from reliability.kernel import text

PREVIEW_CHARS = 64 * 1024  # a client that wants all of a large body decodes the bytes


class Bytes(Schema):
    """Exact bytes in base64 (null is NULL, empty is empty) and, for eyes only, the beginning as text.

    Without the right `letters.reveal` secrets are dots in the text, and base64 is null with ``masked`` true where it
    would hold a secret or is too long to be looked through for secrets.
    """

    base64: str | None
    text: str
    size: int
    masked: bool = Field(description="The exact bytes are withheld: they hold what your role may not see.")


class HeaderShown(Bytes):
    """One header; order and duplicates are as they were."""

    name: str


def body(value: bytes | memoryview | None, *, mask: bool) -> Bytes:
    """Return a key or a value as shown."""
    exact = None if value is None else bytes(value)
    found = payload.view(exact, mask=True) if mask else None
    if found is None or not (found.is_masked or found.is_cut):
        return Bytes(
            base64=_base64(exact), text=text.printable(exact, limit=PREVIEW_CHARS), size=len(exact or b""), masked=False
        )
    seen = payload.rendered(found.tree) if found.tree else found.text
    return Bytes(base64=None, text=seen, size=found.size, masked=True)


def header(name: str, value: bytes | None, *, mask: bool) -> HeaderShown:
    """Return a header as shown."""
    shown_name = text.printable(name, limit=PREVIEW_CHARS)
    size = len(value or b"")
    if mask:
        (row,) = header_views.view([(name, value)], dialect="", mask=True)
        if row.is_masked or row.is_cut:
            return HeaderShown(name=shown_name, base64=None, text=row.text, size=size, masked=True)
    seen = text.printable(value, limit=PREVIEW_CHARS)
    return HeaderShown(name=shown_name, base64=_base64(value), text=seen, size=size, masked=False)


def _base64(value: bytes | None) -> str | None:
    return None if value is None else b64encode(value).decode()
