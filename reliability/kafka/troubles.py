"""Why a cluster does not let us in, in our words: both clients tell it in those of their libraries."""

from __future__ import annotations

WANTS_TLS = "the broker wants TLS at this address (security.protocol)"
MAY_WANT_LOGIN = (
    "TLS works, and the broker says no more: it may want a login, or a certificate (security.protocol SASL_SSL)"
)
NO_NAME = "the broker's name is not known here (bootstrap.servers, or what the broker advertises)"
_SAID = (
    (("certificate has expired",), "the broker's certificate has expired"),
    (("certificate is not yet valid",), "the broker's certificate is not valid yet: one of the two clocks is wrong"),
    (
        ("hostname mismatch", "ip address mismatch", "certificate is not valid for"),
        "the broker's certificate is of another name than the address that it was asked at (bootstrap.servers, or what"
        " the broker advertises)",
    ),
    (
        ("unable to get local issuer", "unable to get issuer", "self-signed certificate", "self signed certificate"),
        "the broker's certificate is signed by no authority that is trusted (ssl.ca.location)",
    ),
    (
        ("broker certificate could not be verified", "certificate verify failed"),
        "the broker's certificate is not accepted: it has expired, is of another name, or its authority is not trusted"
        " (ssl.ca.location)",
    ),
    (
        ("alert bad certificate", "alert_bad_certificate", "certificate required", "certificate_required"),
        "the broker wants a certificate of ours that it trusts (ssl.certificate.location, ssl.key.location)",
    ),
    (
        ("alert unknown ca", "alert_unknown_ca", "alert certificate", "alert_certificate"),
        "the broker does not accept our certificate (ssl.certificate.location): it has expired, or its authority is not"
        " trusted there",
    ),
    (
        ("plaintext broker listener", "unexpected_eof", "wrong_version_number", "wrong version number"),
        "the broker speaks no TLS at this address (security.protocol)",
    ),
    (
        # The last one: the first four bytes of TLS's answer, taken for a length.
        ("connecting to a ssl listener", "connecting to a tls listener", "ssl broker listener", "frame length: 3525"),
        WANTS_TLS,
    ),
    (
        ("not valid in current sasl state", "illegalsaslstate"),
        "the broker takes no login at this address (security.protocol)",
    ),
    (
        ("failed to resolve", "dns resolution failure"),
        NO_NAME,
    ),
    (
        ("unsupported sasl mechanism", "unsupportedsaslmechanism", "mechanism not supported"),
        "the broker does not take this way of signing in (sasl.mechanism)",
    ),
    (
        ("authentication failed", "authentication error", "saslauthenticationfailed", "invalid credentials"),
        "the broker does not accept the login (sasl.username, sasl.password, sasl.mechanism)",
    ),
)


def said(text: str) -> str:
    """Return a sentence without its end for what a library says, or "" when it says nothing that is known."""
    lower = text.lower()
    for parts, sentence in _SAID:
        if any(part in lower for part in parts):
            return sentence
    return ""


def told(text: str) -> str:
    """Return the text with the sentence before it, where there is one."""
    sentence = said(text)
    return f"{sentence} ({text})" if sentence else text
