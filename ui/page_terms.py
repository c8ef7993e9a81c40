"""Says in the page's own terms what messages advise in those of the command line.

What an answer says of itself travels with advice such as "ollama pull NAME"; who reads it here has
buttons and pages, and often no terminal at hand.
"""

import re
from collections.abc import Callable

from ingest.foundation.messages import Message

_TERMS: tuple[tuple[str, Callable[..., Message]], ...] = (
    (r"ollama serve", lambda: Message("Start Ollama on this computer.")),
    (
        r"start it(?: with)?: ollama serve",
        lambda: Message('Start Ollama on this computer, then press "Ask again".'),
    ),
    (
        r"run:? ollama pull (?P<name>\S+)",
        lambda name: Message(
            'Pull {name}, or choose another model, on the page "Settings"; then ask again.',
            name=name,
        ),
    ),
    (
        r"choose another one: --model .*",
        lambda: Message('Choose another model on the page "Settings".'),
    ),
    (
        r"shorten it; long texts can be indexed: ingest FILE",
        lambda: Message("Shorten it; a long text can be dropped onto the line below as a file."),
    ),
    (
        r"(?:ask again in a few minutes|try again later), or use what is stored already: --no-web",
        lambda: Message(
            'Ask again in a few minutes, or from what is stored: "Ask again without the web".'
        ),
    ),
    (
        r"ask a shorter question, take fewer passages .*",
        lambda: Message(
            "Ask a shorter question, or set fewer passages or a smaller context on the page "
            '"Settings".'
        ),
    ),
    (
        r"there are: .+|the index is empty: .+",
        lambda: Message(
            'Add it again on the page "Library", or ask a new question without it below.'
        ),
    ),
    (
        r"choose an embedding model: ollama pull (?P<name>\S+)",
        lambda name: Message('Pull {name} on the page "Settings".', name=name),
    ),
)

_DOCTOR = "assistant doctor"
_HEALTH = Message('the page "Health"')
_DOCTOR_PHRASES: dict[str, tuple[tuple[str, str], ...]] = {
    "en": (
        (r"\b([Ss])ee ([^.;]+): assistant doctor", r"\1ee \2 on {health}"),
        (r"\b([Ss])ee:? assistant doctor", r"\1ee {health}"),
        (r"(?: with)?: assistant doctor", ": see {health}"),
        (r"assistant doctor", "{health}"),
    ),
    "zh": (
        (r"查看(.+)：assistant doctor", r"在{health}查看\1"),
        (r"：assistant doctor", "：见{health}"),
        (r"(?:运行 )?assistant doctor 查看", "在{health}查看"),
        (r"详见 assistant doctor", "详见{health}"),
        (r"assistant doctor ?", "{health}"),
    ),
}
"""How each language speaks of the command, and of the page in its place; the first that fits."""


def in_page_terms(message: Message) -> Message:
    """Return what the page says in place of a message; the message itself in most cases."""
    english = message.localize("en")
    for pattern, say in _TERMS:
        if found := re.fullmatch(pattern, english, re.DOTALL):
            return say(**found.groupdict())
    if _DOCTOR not in english:
        return message
    return Message.from_translations(
        {
            language: _name_health_page(text, language)
            for language, text in message.in_each_language().items()
        }
    )


def _name_health_page(text: str, language: str) -> str:
    """Return text with the page "Health" in place of the command that says the same."""
    health = _HEALTH.localize(language)
    for pattern, phrase in _DOCTOR_PHRASES.get(language, _DOCTOR_PHRASES["en"]):
        shown, count = re.subn(pattern, phrase.replace("{health}", health), text)
        if count:
            return shown
    return text


def begin_sentence(text: str, language: str) -> str:
    """Return an English message with a capital: the command line writes them behind "error:"."""
    first = text.split(" ", 1)[0]
    # A name keeps its letters: "notes.pdf cannot be read".
    plain = first.rstrip(",;:").isalpha()
    return text[:1].upper() + text[1:] if language == "en" and plain else text
