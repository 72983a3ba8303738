"""A question that is asked once, however many hosts need the answer."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class AskOnce(Generic[T]):
    """Call `ask` when the answer is first needed; keep it (or its failure) for the others.

    Args:
        ask: Asks the person, and returns the answer. Called in the thread of the
            first host that needs it; the others wait.
    """

    def __init__(self, ask: Callable[[], T]) -> None:
        self._ask = ask
        self._lock = threading.Lock()
        self._answer: list[T] = []
        self._failure: BaseException | None = None

    def __call__(self) -> T:
        """Return the answer.

        Raises:
            BaseException: What `ask` raised, for every host alike.
        """
        with self._lock:
            if self._failure is not None:
                raise self._failure
            if not self._answer:
                try:
                    self._answer.append(self._ask())
                except BaseException as failure:
                    self._failure = failure
                    raise
            return self._answer[0]

    @property
    def answered(self) -> bool:
        """Whether the answer is at hand without asking."""
        return bool(self._answer)
