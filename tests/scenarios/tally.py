"""What all scenarios counted together: how many there were, lost, doubled, unknown."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

COLUMNS = ("in all", "lost", "doubled", "unknown")


@dataclass
class Tally:
    """Counts by kind of thing (events, letters, replay items) and outcome."""

    scenarios: int = 0
    rows: dict[str, Counter[str]] = field(default_factory=dict)
    notes: Counter[str] = field(default_factory=Counter)

    def add(self, kind: str, *, total: int, lost: int = 0, doubled: int = 0, unknown: int = 0) -> None:
        """Add what one scenario counted; must come before the assertions, so that a loss is in the summary, too."""
        row = self.rows.setdefault(kind, Counter())
        row.update(dict(zip(COLUMNS, (total, lost, doubled, unknown), strict=True)))

    def note(self, text: str, count: int) -> None:
        """Count something that is allowed, but said."""
        self.notes[text] += count

    def lines(self) -> list[str]:
        """The summary."""
        table = [("", *COLUMNS), *((kind, *(f"{row[name]:,}" for name in COLUMNS)) for kind, row in self.rows.items())]
        lines = [f"{first:<16}" + "".join(f"{cell:>12}" for cell in cells) for first, *cells in table]
        return lines + [f"{count:,} {text}" for text, count in self.notes.items() if count]


TALLY = Tally()
