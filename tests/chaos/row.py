"""What became of a fault: a line of the table."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Row:
    """One fault at one state, tried some times.

    Args:
        fault: What was done to the host, or to the command.
        state: At which moment: the command, and what it was about to do.
        tried: How many times.
        sent: Requests that visitors sent meanwhile.
        failed: How many of them failed that need not have.
        excused: How many failed since the host, or what they were connected to, was gone.
        converged: How many times the next run made the host the same as an undisturbed one.
        left_over: What was still there afterwards and should not have been.
        wrong: What else was not as it must be, in words. Empty is good.
    """

    fault: str
    state: str
    tried: int = 0
    sent: int = 0
    failed: int = 0
    excused: int = 0
    converged: int = 0
    left_over: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    @property
    def is_good(self) -> bool:
        """Whether everything was as it must be, each time."""
        return not (
            self.failed or self.left_over or self.wrong or self.converged != self.tried
        ) and bool(self.tried)

    def add(self, other: Row) -> None:
        """Take in another row about the same."""
        self.tried += other.tried
        self.sent += other.sent
        self.failed += other.failed
        self.excused += other.excused
        self.converged += other.converged
        self.left_over += other.left_over
        self.wrong += other.wrong
