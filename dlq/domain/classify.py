"""Why a letter died, and what to do about it: one readable table, the first rule that fits decides."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

FORMAT = "format"
BUSINESS = "business"
DEPENDENCY = "dependency"
BUG = "bug"
RESOURCE = "resource"
UNKNOWN = "unknown"
CAUSES = (FORMAT, BUSINESS, DEPENDENCY, BUG, RESOURCE, UNKNOWN)

# Words other producers and our own consume loop use for a cause.
_HINTS = {
    **{cause: cause for cause in CAUSES if cause != UNKNOWN},
    "business rule": BUSINESS,
    "business_rule": BUSINESS,
    "killed": RESOURCE,
    "killed the consumer": RESOURCE,
    "killed_consumer": RESOURCE,
}


@dataclass(frozen=True, slots=True)
class Rule:
    """``cause`` holds when one pattern is found in the error's class name, or the other in its message."""

    cause: str
    type_pattern: str
    message_pattern: str


# Order matters: what kills a consumer outranks how it died, and a named business refusal outranks a general timeout.
RULES: tuple[Rule, ...] = (
    Rule(
        RESOURCE,
        r"OutOfMemory|MemoryError|StackOverflow|RecursionError|TooLarge|PayloadTooBig|DiskFull|KilledTheConsumer",
        r"killed the consumer|out of memory|no space left|record (?:is )?too large|message size too large",
    ),
    Rule(
        FORMAT,
        r"Deserializ|Serialization|JSONDecode|JsonParse|JsonProcessing|JsonSyntax|Unmarshal|UnicodeDecode|MessageConversion"
        r"|^ConversionException|SchemaParse|SchemaError|AvroType|AvroRuntime|InvalidProtocolBuffer|DecodeError|Malformed"
        r"|DataException|MismatchedInput|UnrecognizedProperty|HttpMessageNotReadable|InvalidMessage|ParseError|ParseException"
        r"|(?<!Number)FormatException|SyntaxError|^ValidationError$",
        r"malformed|invalid json|unexpected (?:end of|token)|cannot deserialize|not valid utf-?8|unknown magic byte"
        r"|missing required (?:field|property)|schema .{0,40}not found",
    ),
    Rule(
        BUSINESS,
        r"Insufficient|Declined|OutOfStock|SoldOut|NotAllowed|Forbidden|Rejected(?!Execution)|Expired(?!Token)"
        r"|LimitExceeded|AlreadyExists|Duplicate|BusinessRule|DomainException|InvariantViolat|RuleViolat|NotEligible"
        r"|(?<!Class)(?<!Module)(?<!Host)(?<!Key)NotFound|ConstraintViolation|IntegrityError|Unprocessable",
        r"insufficient|out of stock|declined|not allowed|already exists|limit exceeded|duplicate key",
    ),
    Rule(
        DEPENDENCY,
        r"Timeout|TimedOut|Connect(?:ion)?(?:Error|Exception|Refused|Reset|Failed|Aborted|Closed)|Unavailable|UnknownHost"
        r"|NoRouteToHost|SocketException|BrokenPipe|Unreachable|CircuitBreaker|CircuitOpen|CallNotPermitted|OperationalError"
        r"|InterfaceError|TransientDataAccess|CannotGetJdbcConnection|RetryableException|TooManyRequests|BadGateway"
        r"|GatewayError|ServiceDown|HttpRequestException|AxiosError|FetchError|RpcException|StatusRuntimeException"
        r"|^Transient",
        r"timed? ?out|connection (?:refused|reset|closed|aborted)|econnrefused|econnreset|etimedout|unavailable"
        r"|too many requests|could not connect|temporary failure|\b(?:429|502|503|504)\b|deadline exceeded"
        r"|circuit (?:breaker )?(?:is )?open",
    ),
    Rule(
        BUG,
        r"NullPointer|NullReference|NilPointer|KeyError|TypeError|AttributeError|IndexError|NameError|UnboundLocal|ZeroDivision"
        r"|AssertionError|NumberFormat|ClassCast|IndexOutOfBounds|ArgumentOutOfRange|ArrayIndex|NoSuchMethod|NoSuchElement|NoSuchField"
        r"|ClassNotFound|NoClassDefFound|NotImplemented|UnsupportedOperation|IllegalState|IllegalArgument|InvalidOperation"
        r"|ArgumentNull|ArgumentException|InvalidCast|KeyNotFound|ReferenceError|RangeError|ArithmeticException|LazyInit"
        r"|ProgrammingError|ImportError|ModuleNotFound|DivideByZero|StopIteration|^ValueError$|^RuntimeError$|^panic",
        r"nil pointer|null reference|undefined is not|cannot read propert(?:y|ies)|index out of (?:range|bounds)"
        r"|division by zero",
    ),
)


@dataclass(frozen=True, slots=True)
class Advice:
    """The best act for a cause: ``act`` names it for machines, ``text`` tells the operator."""

    act: str
    text: str


ADVICE: dict[str, Advice] = {
    FORMAT: Advice(
        "resend",
        "Its bytes cannot be read: correct the producer and send the event again, or discard it with a reason.",
    ),
    BUSINESS: Advice(
        "discard", "The service refused it by a rule: discard it with a reason, or replay it once the rule allows it."
    ),
    DEPENDENCY: Advice("replay", "Something the service needs was away: once it is back, replay the group."),
    BUG: Advice("hold", "The code failed on this data: wait for a fix to be deployed, then replay the group."),
    RESOURCE: Advice("quarantine", "It brought its consumer down: keep it apart until somebody has looked at it."),
    UNKNOWN: Advice("look", "Nothing tells why: look at one letter before deciding."),
}


def advice(cause: str) -> Advice:
    """Return the best act for a cause; the one for unknown causes when it is none."""
    return ADVICE.get(cause, ADVICE[UNKNOWN])


def classify(*, error_type: str, message: str, hint: str = "") -> str:
    """Return the cause of a failure: the producer's own word, else by the class's name, else by the message."""
    return _HINTS.get(hint.strip().lower()) or _by_type(error_type) or _by_message(message)


_TYPES = tuple((rule.cause, re.compile(rule.type_pattern)) for rule in RULES)
_MESSAGES = tuple((rule.cause, re.compile(rule.message_pattern, re.IGNORECASE)) for rule in RULES)
_MESSAGE_CHARS_MAX = 1_000


@lru_cache(maxsize=1024)
def _by_type(error_type: str) -> str:
    name = re.split(r"[./$+]", error_type.strip())[-1]
    return next((cause for cause, pattern in _TYPES if pattern.search(name)), "")


def _by_message(message: str) -> str:
    text = message[:_MESSAGE_CHARS_MAX]
    return next((cause for cause, pattern in _MESSAGES if pattern.search(text)), UNKNOWN)
