"""Texts that more than one front end shows: stages, and what an answer without passages says."""

from typing import Final

from assistant.events import Stage
from assistant.values import Answerability, Citation, Passage
from ingest.foundation.messages import COMMA, NO_MESSAGE, Language, Message, join_messages
from ingest.local_files import FILE_SCHEME

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
MODIFIED_ON: Final = Message("modified")
EVIDENCE: Final = Message("What the pages say:")
NEAREST: Final = Message("The pages do not seem to answer this. Closest to it:")
"""Above evidence that speaks of the question and does not seem to answer it."""
QUOTES: Final = Message("quotes from pages, not an answer")
QUOTES_ABOVE: Final = Message("Quotes from the pages, not an answer written by a model:")
"""Above quotes that are the answer."""
UNSUPPORTED_SIGN: Final = Message("(?)")
"""Behind a sentence that is in no source; `Answer.trust_note` says what it means."""


def evidence_label(answerability: Answerability) -> Message:
    """Return what is above evidence that no model has made an answer of."""
    return NEAREST if answerability == "nearest" else EVIDENCE


def describe_place(source: Citation | Passage) -> Message:
    """Return " › Heading, p. 12": where in a document what is quoted stands."""
    heading = f" › {source.heading}" if source.heading not in {"", source.title} else ""
    if source.page is None:
        return Message.verbatim(heading)
    return join_messages([Message.verbatim(heading), describe_page(source)], COMMA)


def describe_page(source: Citation | Passage) -> Message:
    """Return "p. 12" of what stands on paper, of a passage that goes on "pp. 12–13"."""
    if source.page is None:
        return NO_MESSAGE
    if isinstance(source, Passage) and source.page_breaks:
        last = source.page + len(source.page_breaks)
        return Message("pp. {first}–{last}", first=source.page, last=last)
    return Message("p. {page}", page=source.page)


def describe_day(source: Citation | Passage, language: Language) -> str:
    """Return "fetched 2026-11-21", of a local file "modified 2026-11-21"."""
    # A file was never fetched, and the day on which it was read says nothing about its text.
    if source.modified is not None and source.url.startswith(FILE_SCHEME):
        return f"{MODIFIED_ON.localize(language)} {source.modified.isoformat()}"
    day = source.fetched_at.astimezone().date()
    return f"{FETCHED.localize(language)} {day.isoformat()}"
