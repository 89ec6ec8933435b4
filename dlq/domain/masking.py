"""What is secret by its name or its look: shown as dots to those who may only look."""

from __future__ import annotations

import re

MASK = "••••"

# Parts of a name, compared without case, dashes and underscores.
SECRET_PARTS = (
    "password", "passwd", "passphrase", "secret", "token", "apikey", "authorization", "authentication", "credential",
    "cookie", "session", "privatekey", "signature", "cardnumber", "creditcard", "iban", "socialsecurity",
)  # fmt: skip
SECRET_WORDS = frozenset({"card", "pin", "pan", "auth", "cvv", "cvc", "ssn"})  # too short to be looked for inside words
_JOINTS = re.compile(r"[-_. ]+")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")

_ASSIGNED = re.compile(
    r"(?i)\b((?:password|passwd|secret|token|api[-_]?key|authorization)\"?\s*[=:]\s*)(?:bearer\s+|basic\s+)?[^\s,;&\"]+"
)
_MEMBER = re.compile(r'("([^"\\]{1,80})"\s*:\s*)("(?:[^"\\]|\\.)*"?|[^\s,}\]\[{]+)')  # of JSON, also when it is cut off
VEILED_TEXT = (
    r"(password|passwd|secret|token|api[-_]?key|authorization)\"?\s*[=:]"
    r"|\"[^\"]{1,80}\"\s*:|([0-9][ -]?){12,18}[0-9]"
)
"""Every text of which ``masked_text`` masks a part, and some more, fits this; for PostgreSQL, without case."""

_CARD = re.compile(r"(?<![\d.-])(?:\d[ -]?){12,18}\d(?![\d.-])")


def is_secret(name: str) -> bool:
    """Whether a header or a JSON member of this name holds what only operators may see."""
    words = [word for word in _JOINTS.split(_CAMEL.sub("_", name)) if word]
    if any(word.lower() in SECRET_WORDS for word in words):
        return True
    joined = "".join(words).lower()
    return any(part in joined for part in SECRET_PARTS)


def masked_text(text: str) -> str:
    """Return a text with secret members of JSON, passwords, tokens and card numbers as dots."""
    hidden = _MEMBER.sub(lambda match: match[1] + f'"{MASK}"' if is_secret(match[2]) else match[0], text)
    hidden = _ASSIGNED.sub(lambda match: match[1] + MASK, hidden)
    return _CARD.sub(lambda match: MASK if _is_card(match[0]) else match[0], hidden)


def _is_card(text: str) -> bool:
    """Whether digits have the check digit of a payment card."""
    digits = [int(character) for character in text if character.isdigit()][::-1]
    doubled = (sum(divmod(digit * 2, 10)) for digit in digits[1::2])
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0
