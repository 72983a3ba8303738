"""What a controller may ask without changing anything."""

from __future__ import annotations

from typing import Any, Callable, Dict, Mapping

from provisioning.agent.errors import AgentError
from provisioning.agent.gather import gather_facts
from provisioning.agent.system import System

Question = Callable[[Mapping[str, Any], System], Any]


def _facts(message: Mapping[str, Any], system: System) -> Any:
    return gather_facts(system).to_json()


QUESTIONS: Dict[str, Question] = {
    "facts": _facts,
}


def answer(message: Mapping[str, Any], system: System) -> Any:
    """Answer a question.

    Args:
        message: {"ask": name, ...} with what the question needs besides.
        system: The machine.

    Raises:
        AgentError: the question is unknown or cannot be answered.
    """
    try:
        question = QUESTIONS[message["ask"]]
    except KeyError:
        raise AgentError(f"unknown question {message['ask']!r}") from None
    return question(message, system)
