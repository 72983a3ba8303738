from __future__ import annotations

import threading

import pytest

from provisioning.transport import AskOnce


def test_many_hosts_ask_once() -> None:
    asked: list[int] = []
    gate = threading.Event()

    def ask() -> str:
        asked.append(1)
        gate.wait(10)
        return "answer"

    once = AskOnce(ask)
    assert not once.answered
    answers: list[str] = []
    threads = [threading.Thread(target=lambda: answers.append(once())) for _ in range(5)]
    for thread in threads:
        thread.start()
    gate.set()
    for thread in threads:
        thread.join()
    assert asked == [1]
    assert answers == ["answer"] * 5
    assert once.answered


def test_a_person_who_declines_is_not_asked_again() -> None:
    asked: list[int] = []

    def ask() -> str:
        asked.append(1)
        raise KeyboardInterrupt

    once = AskOnce(ask)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            once()
    assert asked == [1]
    assert not once.answered
