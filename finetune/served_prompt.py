"""The prompts that the assistant itself sends: known by their words, left as they are.

Rows that are made in them train a model for the very text it will be asked with. What a stranger
may have put between their marks is neutralized as it is everywhere else.
"""

from assistant.answer import evidence_prompt, prompts
from assistant.answer.prompts import FENCE_CLOSE, FENCE_OPEN
from ingest.foundation.messages import LANGUAGES
from ingest.text.quoting import neutralize_markup

SERVED_SYSTEMS = frozenset(
    message.localize(language)
    for message in (prompts.SYSTEM, evidence_prompt.SYSTEM)
    for language in LANGUAGES
)
"""System messages of the assistant, word for word: a row with one of them holds its prompt."""

_QUESTION_FORMS = tuple(
    form.localize(language).replace("{question}", "")
    for form in (prompts.QUESTION, evidence_prompt.QUESTION)
    for language in LANGUAGES
)
"""What the last line of such a prompt begins with, before the question."""


def neutralize_served_prompt(text: str) -> str:
    """Return a user message of the assistant with its own fence kept, once, and nothing else.

    A second fence within it would be a page's, or somebody's who wrote the row: it loses its
    brackets, as every other control token does.
    """
    body = text.removeprefix(f"{FENCE_OPEN}\n")
    inside, close, rest = body.partition(f"\n{FENCE_CLOSE}\n")
    if body == text or not close:
        return neutralize_markup(text)
    return f"{FENCE_OPEN}\n{neutralize_markup(inside)}{close}{neutralize_markup(rest)}"


def question_of_prompt(text: str) -> str:
    """Return the question that a user message of the assistant asks, "" if it is no such message.

    The question is the last thing that such a prompt says, behind a word of its own.
    """
    # From the last line up: a question may have lines of its own.
    lines = text.rstrip().split("\n")
    for place in range(len(lines) - 1, -1, -1):
        for pattern in _QUESTION_FORMS:
            if lines[place].startswith(pattern):
                return "\n".join([lines[place].removeprefix(pattern), *lines[place + 1 :]]).strip()
    return ""
