"""Bytes made readable: JSON as a tree, text, hex. For eyes only: nothing of this is ever sent.

Numbers keep their digits, duplicate keys stay two, what is invisible is shown, what is secret is masked.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from dlq.domain import masking
from reliability.kernel import text as texts

Kind = Literal["null", "empty", "json", "text", "binary"]
NodeKind = Literal["object", "array", "string", "number", "boolean", "null"]

SHOWN_BYTES_MAX = 64 * 1024  # a page with more of one body helps nobody; the rest is a download
PARSED_BYTES_MAX = 256 * 1024  # larger JSON is shown as text: reading it whole would take seconds
NODES_MAX = 2_000
DEPTH_MAX = 40
STRING_CHARS_MAX = 2_000
HEX_BYTES_MAX = 8 * 1024
HEX_LINE_BYTES = 16
_INVISIBLE_SHARE_MAX = 0.1  # with more control characters and broken UTF-8 than this it is no text


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A value in a JSON tree. ``key`` is None in an array and at the top; ``text`` is what a leaf shows.

    ``size`` is how many children there are, of which ``children`` may hold fewer.
    """

    kind: NodeKind
    key: str | None = None
    text: str = ""
    children: tuple[Node, ...] = ()
    size: int = 0
    is_masked: bool = False

    @property
    def hidden(self) -> int:
        """How many children are not shown."""
        return self.size - len(self.children)


@dataclass(frozen=True, slots=True, kw_only=True)
class Payload:
    """A body as it is shown. ``text`` and ``hex`` are empty when masking could not be kept up in them."""

    kind: Kind
    size: int
    tree: Node | None = None
    text: str = ""
    hex: tuple[HexLine, ...] = ()
    is_cut: bool = False
    """Something was left out for its length."""
    is_masked: bool = False
    """Something was left out because it is secret."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HexLine:
    """Sixteen bytes: where they are, their digits, what they are as ASCII."""

    offset: str
    digits: str
    ascii: str


def view(value: bytes | None, *, mask: bool = False) -> Payload:
    """Return a body as shown; with ``mask`` values that look secret by their name are left out."""
    if value is None:
        return Payload(kind="null", size=0)
    if not value:
        return Payload(kind="empty", size=0)
    document = _json(value)
    if document is not _NO_JSON:
        return _json_view(value, document, mask=mask)
    if mask and len(value) > PARSED_BYTES_MAX and value.lstrip()[:1] in (b"{", b"["):
        return Payload(
            kind="text", size=len(value), is_cut=True, is_masked=True
        )  # members of secret ones look harmless
    shown = value[:SHOWN_BYTES_MAX]
    if not is_text(shown):
        return _binary_view(value, mask=mask)
    text = texts.printable(shown, limit=SHOWN_BYTES_MAX)
    masked = masking.masked_text(text) if mask else text
    return Payload(
        kind="text",
        size=len(value),
        text=masked,
        hex=() if masked != text else hex_lines(value),
        is_cut=len(value) > SHOWN_BYTES_MAX,
        is_masked=masked != text,
    )


def masked(text: str) -> str:
    """Return a text, a JSON document or any other, without what is secret in it."""
    found = view(text.encode(errors="backslashreplace"), mask=True)
    if found.tree is None:
        return masking.masked_text(text)
    return rendered(found.tree) if found.is_masked else text


def rendered(node: Node) -> str:
    """Return a tree as JSON for eyes: what is masked is dots, and what is not shown is counted."""
    if node.is_masked and node.kind != "string":
        return f'"{node.text}"'
    if node.kind == "string":
        return json.dumps(node.text, ensure_ascii=False)
    if node.kind not in ("object", "array"):
        return node.text
    parts = [_rendered_member(child) for child in node.children]
    if node.hidden:
        parts.append(f"… {node.hidden} more not shown")
    opening, closing = ("{", "}") if node.kind == "object" else ("[", "]")
    return opening + ", ".join(parts) + closing


def _rendered_member(node: Node) -> str:
    name = "" if node.key is None else f"{json.dumps(node.key, ensure_ascii=False)}: "
    return name + rendered(node)


def _binary_view(value: bytes, *, mask: bool) -> Payload:
    readable = value[:HEX_BYTES_MAX].decode("latin-1")
    is_masked = mask and masking.masked_text(readable) != readable
    lines = () if is_masked else hex_lines(value)
    return Payload(kind="binary", size=len(value), hex=lines, is_cut=len(value) > HEX_BYTES_MAX, is_masked=is_masked)


def is_text(value: bytes) -> bool:
    """Whether bytes read as text: UTF-8 for all but a small share."""
    text = value.decode("utf-8", errors="replace")
    odd = sum(1 for character in text if character == "\ufffd" or (character < " " and character not in "\t\n\r"))
    return odd <= len(text) * _INVISIBLE_SHARE_MAX


def hex_lines(value: bytes) -> tuple[HexLine, ...]:
    """Return the first bytes as a hex dump."""
    shown = value[:HEX_BYTES_MAX]
    return tuple(
        HexLine(
            offset=f"{start:08x}",
            digits=shown[start : start + HEX_LINE_BYTES].hex(" "),
            ascii="".join(chr(byte) if 32 <= byte < 127 else "." for byte in shown[start : start + HEX_LINE_BYTES]),
        )
        for start in range(0, len(shown), HEX_LINE_BYTES)
    )


# --- JSON
class _Number(str):
    """A number as it is written: 64-bit ids and long decimals must not change on the way to the page."""


class _NoJson:
    """What a body is that is no JSON; None would be the JSON value null."""


_NO_JSON = _NoJson()


def _json(value: bytes) -> Any:
    """The document as nested values, objects as lists of pairs; ``_NO_JSON`` when it is none or too large."""
    if len(value) > PARSED_BYTES_MAX:
        return _NO_JSON
    try:
        return json.loads(
            value.decode("utf-8"),
            parse_int=_Number,
            parse_float=_Number,
            parse_constant=_Number,
            object_pairs_hook=_Pairs,
        )
    except (ValueError, RecursionError):
        return _NO_JSON


class _Pairs(list[tuple[str, Any]]):
    """The members of an object, in order, also those of one name."""


class _Budget:
    """How many nodes may still be shown."""

    def __init__(self, nodes: int) -> None:
        self.left = nodes
        self.is_cut = False
        self.is_masked = False

    def take(self, values: Sequence[Any], depth: int) -> Iterator[Any]:
        """Yield values while there is room."""
        for value in values:
            if self.left <= 0 or depth >= DEPTH_MAX:
                self.is_cut = True
                return
            self.left -= 1
            yield value


def _json_view(value: bytes, document: Any, *, mask: bool) -> Payload:
    budget = _Budget(NODES_MAX)
    tree = _node(None, document, mask=mask, depth=0, budget=budget)
    if budget.is_masked or (mask and budget.is_cut):  # the raw forms would give away what the tree hides or left out
        return Payload(kind="json", size=len(value), tree=tree, is_cut=budget.is_cut, is_masked=True)
    return Payload(
        kind="json",
        size=len(value),
        tree=tree,
        text=texts.printable(value, limit=SHOWN_BYTES_MAX),
        hex=hex_lines(value),
        is_cut=budget.is_cut or len(value) > SHOWN_BYTES_MAX,
    )


def _node(key: str | None, value: Any, *, mask: bool, depth: int, budget: _Budget) -> Node:
    shown_key = None if key is None else texts.printable(key, limit=STRING_CHARS_MAX)
    if mask and key is not None and masking.is_secret(key) and value not in (None, "", True, False):
        budget.is_masked = True
        return Node(kind=_kind(value), key=shown_key, text=masking.MASK, is_masked=True)
    if isinstance(value, _Pairs):
        members = budget.take(value, depth)
        children = tuple(_node(name, each, mask=mask, depth=depth + 1, budget=budget) for name, each in members)
        return Node(kind="object", key=shown_key, children=children, size=len(value))
    if isinstance(value, list):
        items = budget.take(value, depth)
        children = tuple(_node(None, each, mask=mask, depth=depth + 1, budget=budget) for each in items)
        return Node(kind="array", key=shown_key, children=children, size=len(value))
    return _leaf(shown_key, value, mask=mask, budget=budget)


def _leaf(key: str | None, value: Any, *, mask: bool, budget: _Budget) -> Node:
    kind = _kind(value)
    if kind == "null":
        return Node(kind=kind, key=key, text="null")
    if kind == "boolean":
        return Node(kind=kind, key=key, text="true" if value else "false")
    text = texts.printable(value, limit=STRING_CHARS_MAX)
    budget.is_cut = budget.is_cut or len(value) > STRING_CHARS_MAX
    masked = masking.masked_text(text) if mask and kind == "string" else text
    budget.is_masked = budget.is_masked or masked != text
    return Node(kind=kind, key=key, text=masked, is_masked=masked != text)


def _kind(value: Any) -> NodeKind:
    if isinstance(value, _Pairs):
        return "object"
    if isinstance(value, list):
        return "array"
    if isinstance(value, _Number):
        return "number"
    if isinstance(value, bool):
        return "boolean"
    return "null" if value is None else "string"
