"""The first own frame of a stack trace: the place in the service's code, not in its libraries, where it failed.

Traces of Python, Java (and Kotlin, Scala), JavaScript, .NET and Go are read line by line, with bounds, because a stack
is as hostile as any header. Line numbers are left out: they change with every release, the place does not.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

LINES_MAX = 1_000  # deeper than any sane stack; a recursion's thousandth frame says nothing new
LINE_CHARS_MAX = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One place in code: ``function`` for people, ``place`` (module, class or file) to tell equal names apart."""

    function: str
    place: str
    own: bool

    @property
    def text(self) -> str:
        """Both in one: part of the fingerprint."""
        return f"{self.place}.{self.function}" if self.place else self.function


Section = list[Frame]
"""The frames of one exception of a chain, the one nearest to the failure first."""


@lru_cache(maxsize=256)
def first_own_frame(stack: str) -> Frame | None:
    """Return the frame nearest to the root failure that is not library code; the nearest of all if every one is.

    ``None`` when the text holds no frame of a language we know. Cached: a flood repeats one stack.
    """
    lines = [line[:LINE_CHARS_MAX] for line in stack.split("\n", LINES_MAX)[:LINES_MAX]]
    for read in (_python, _go, _java, _javascript, _dotnet):
        sections = [section for section in read(lines) if section]
        if sections:
            frames = [frame for section in sections for frame in section]
            return next((frame for frame in frames if frame.own), frames[0])
    return None


# --- Python: the innermost frame comes last, the exception that was raised in the end comes last
_PYTHON_FRAME = re.compile(r'[\s|]*File "([^"]+)", line \d+, in (\S+)')
_PYTHON_LIBRARY = ("/site-packages/", "/dist-packages/", "/lib/python", "\\lib\\", "<frozen ", "/asyncio/")


def _python(lines: list[str]) -> Iterator[Section]:
    sections: list[Section] = [[]]
    for line in lines:
        if "Traceback (most recent call last)" in line:
            sections.append([])
        elif match := _PYTHON_FRAME.match(line):
            path, function = match[1], match[2]
            own = not any(part in path for part in _PYTHON_LIBRARY)
            sections[-1].append(Frame(function=function, place=_module(path), own=own))
    return (section[::-1] for section in reversed(sections))


def _module(path: str) -> str:
    """Return the last two parts of a path without its ending: where it is installed does not matter."""
    parts = path.replace("\\", "/").rsplit("/", 2)[-2:]
    return "/".join(part for part in parts if part).removesuffix(".py")


# --- Go: a function's line, then its file's line, tab-indented
_GO_FILE = re.compile(r"\s+(\S+\.go):\d+")
_GO_LIBRARY = ("/go/src/", "/pkg/mod/", "/vendor/", "/libexec/src/")


def _go(lines: list[str]) -> Iterator[Section]:
    section: Section = []
    for above, line in itertools.pairwise(lines):
        match = _GO_FILE.match(line)
        if match is None or not above or above[0].isspace():
            continue
        name = above.removeprefix("created by ").rsplit("/", 1)[-1]
        name = re.sub(r"\([^()]*\)$", "", name) if name.endswith(")") else name.split(" in goroutine")[0]
        package, _, function = name.replace("(*", "").replace(")", "").partition(".")
        own = package not in ("runtime", "panic") and not any(part in match[1] for part in _GO_LIBRARY)
        section.append(Frame(function=re.sub(r"(\.func\d+)+(\.\d+)*$", "", function) or name, place=package, own=own))
    yield section


# --- Java, Kotlin, Scala: the nearest frame first, the root cause last
_JAVA_FRAME = re.compile(
    r"\s*at (?:[\w.@-]*/)*([\w.$<>-]+)"
    r"\((?:[^()]*\.(?:java|kt|scala|groovy)\b[^()]*|Native Method|Unknown Source|<generated>)\)"
)
_JAVA_LIBRARY = (
    "java.", "javax.", "jakarta.", "jdk.", "sun.", "com.sun.", "kotlin.", "kotlinx.", "scala.", "groovy.",
    "org.springframework.", "org.apache.", "org.hibernate.", "org.postgresql.", "org.slf4j.", "org.aspectj.",
    "reactor.", "io.netty.", "io.micrometer.", "io.vertx.", "io.quarkus.", "io.smallrye.", "io.confluent.",
    "com.zaxxer.", "com.fasterxml.", "com.google.", "com.mysql.", "net.bytebuddy.", "feign.", "okhttp3.", "retrofit2.",
)  # fmt: skip
_JAVA_GENERATED = re.compile(r"\$\$\w+|\$[\d$]+")


def _java(lines: list[str]) -> Iterator[Section]:
    sections: list[Section] = [[]]
    suppressed: Section = []
    target = sections[0]
    for line in lines:
        if match := _JAVA_FRAME.match(line):
            target.append(_java_frame(match[1]))
        elif line.lstrip().startswith("Suppressed:"):
            target = suppressed  # what failed while closing is not why it failed
        elif line.startswith("Caused by:"):
            sections.append([])
            target = sections[-1]
    return reversed(sections)


def _java_frame(name: str) -> Frame:
    owner, _, method = name.rpartition(".")
    if method.startswith("lambda$"):
        method = method.split("$")[1] or method
    owner = _JAVA_GENERATED.sub("", owner)
    shown = f"{owner.rpartition('.')[2]}.{method}" if owner else method
    return Frame(function=shown, place=owner.rpartition(".")[0], own=not name.startswith(_JAVA_LIBRARY))


# --- JavaScript: the nearest frame first; a cause follows in its own section
_JS_FRAME = re.compile(r"\s*at (?:async )?(?:new )?(?:([^()]+?) (?:\[as [^\]]*\] )?\()?([^()\s]+):\d+:\d+\)?$")
_JS_LIBRARY = ("/node_modules/", "node:", "internal/", "\\node_modules\\")


def _javascript(lines: list[str]) -> Iterator[Section]:
    sections: list[Section] = [[]]
    for line in lines:
        if "[cause]:" in line:
            sections.append([])
        elif match := _JS_FRAME.match(line.rstrip(" {")):
            function, path = match[1] or "<anonymous>", match[2]
            own = not any(part in path for part in _JS_LIBRARY)
            place = re.sub(r"\.[cm]?[jt]sx?$", "", _module(path))
            sections[-1].append(Frame(function=function.removeprefix("Object."), place=place, own=own))
    return reversed(sections)


# --- .NET: the innermost exception's frames come first in the text
_DOTNET_FRAME = re.compile(r"\s*(?:at|à|bei|em|en) ([\w.`+<>\[\],|$]+)\([^()]*\)(?: in .*)?$")
_DOTNET_LIBRARY = (
    "System.", "Microsoft.", "MassTransit.", "NServiceBus.", "Wolverine.", "Silverback.", "Confluent.", "Newtonsoft.",
    "Npgsql.", "Polly.", "Grpc.", "MediatR.", "RabbitMQ.",
)  # fmt: skip
_DOTNET_STATE_MACHINE = re.compile(r"[.+]<(\w+)>[\w|]*__[\w|]+(?:\.MoveNext)?|\+<>c\w*\.<(\w+)>b__\w+")


def _dotnet(lines: list[str]) -> Iterator[Section]:
    section: Section = []
    for line in lines:
        if match := _DOTNET_FRAME.match(line):
            name = _DOTNET_STATE_MACHINE.sub(lambda found: "." + (found[1] or found[2]), match[1])
            name = re.sub(r"`\d+|\[[^\]]*\]", "", name).replace("+", ".")
            owner, _, method = name.rpartition(".")
            place, _, type_name = owner.rpartition(".")
            shown = f"{type_name}.{method}" if type_name else method
            section.append(Frame(function=shown, place=place, own=not name.startswith(_DOTNET_LIBRARY)))
    yield section
