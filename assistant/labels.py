"""Texts that more than one front end shows: stages, and what an answer without passages says."""

from typing import Final

from assistant.events import Stage
from assistant.values import Answerability
from ingest.foundation.messages import Message

STAGES: Final[dict[Stage, Message]] = {
    "search": Message("Searching the web"),
    "read": Message("Reading pages"),
    "retrieve": Message("Choosing passages"),
    "reply": Message("Answering"),
}

NO_TEXT_WEB: Final = Message(
    "I could not read any page that answers this. Try other words, or ask again later."
)
NO_TEXT_OFFLINE: Final = Message(
    "The web could not be searched, and nothing in the index answers this. Check the "
    "network, or ask again later."
)
NO_TEXT_INDEX: Final = Message(
    "Nothing in the index answers this. Search the web with --web, or add pages: ingest urls.txt"
)
SOURCES: Final = Message("Sources")
FETCHED: Final = Message("fetched")
EVIDENCE: Final = Message("What the pages say:")
NEAREST: Final = Message("The pages do not seem to answer this. Closest to it:")
"""Above evidence that speaks of the question and does not seem to answer it."""
QUOTES: Final = Message("quotes from pages, not an answer")
UNSUPPORTED_SIGN: Final = Message("(?)")
"""Behind a sentence that stands in no source; `Answer.trust_note` says what it means."""


def evidence_label(answerability: Answerability) -> Message:
    """Return what stands above evidence that no model has made an answer of."""
    return NEAREST if answerability == "nearest" else EVIDENCE
