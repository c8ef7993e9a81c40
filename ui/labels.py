"""Texts on the page. Those of stages and of reasons to skip a page are in `assistant.labels`."""

from datetime import date, datetime, timedelta
from typing import Final

from assistant.nvc.rules import Harm
from ingest.documents import DEFAULT_COLLECTION, WEB_COLLECTION
from ingest.foundation.messages import Language, Message
from ingest.report import count_pages, count_passages

NAME: Final = Message("Qiuzheng")
WELCOME: Final = Message("What do you want to know?")
PROMISE: Final = Message(
    "Answers come from pages you can check. Everything stays on this computer; a web search "
    "sends out the question alone."
)
EXAMPLES: Final[tuple[Message, ...]] = (
    Message("What do I need to fly a drone at night?"),
    Message("How long may a crawler keep a robots.txt file?"),
    Message("What is the difference between UTC and GMT?"),
)

ASK: Final = Message("Ask anything")
ASK_MORE: Final = Message("Ask a follow-up")
NEW: Final = Message("New chat")
WEB: Final = Message("Search the web")
WEB_HELP: Final = Message(
    "On: each question is searched on the web and the pages found are read. Off: only what "
    "is already in your index is used."
)
PRIVATE: Final = Message("Private conversation")
PRIVATE_HELP: Final = Message(
    "Nothing of the conversation that you begin now is kept; it is gone when you leave it."
)
SEARCH_CONVERSATIONS: Final = Message("Search conversations")
CHAT: Final = Message("Chat")
LIBRARY: Final = Message("Library")
ADD: Final = Message("Add pages and files")
ADDRESSES: Final = Message("Addresses, one a line: pages, sitemaps, feeds")
FILES: Final = Message("Files")
ADD_NOW: Final = Message("Read them")
RETRY: Final = Message("Try these again")
COLLECTION: Final = Message("Collection")
COLLECTION_HELP: Final = Message(
    "A name for what belongs together, so that projects do not mix; empty: the usual one."
)
COLLECTIONS: Final = Message("Collections")
ALL_COLLECTIONS: Final = Message("Answer from all collections")
COLLECTION_NAMES: Final[dict[str, Message]] = {
    DEFAULT_COLLECTION: Message("added"),
    WEB_COLLECTION: Message("read for questions"),
}
ABOUT_FILE: Final = Message("About this file")
SEARCH_LIBRARY: Final = Message("Search titles and addresses")
LIBRARY_EMPTY: Final = Message(
    "Nothing is here. Pages that answer a question are kept, and you can add your own above."
)
NONE_FOUND: Final = Message("No document here has these words in its title or address.")
TITLE: Final = Message("Title")
PLACE: Final = Message("Place")
CHUNKS: Final = Message("Chunks")
READ_ON: Final = Message("Read on")
READ_AGAIN: Final = Message("Read again")
REMOVE: Final = Message("Remove")
UNDO: Final = Message("Undo")
TEXT: Final = Message("Text")
GROWTH: Final = Message("Size and growth")
MONTH: Final = Message("Month")
DOCUMENTS: Final = Message("Documents")
NVC: Final = Message("Kind words")
NVC_INTRODUCTION: Final = Message(
    "Two people write to each other. A message that may hurt is held before it is sent, and "
    "another wording is offered (nonviolent communication); all others pass. Nothing is kept."
)
NVC_PHONES: Final = (Message("Phone A"), Message("Phone B"))
NVC_MESSAGE: Final = Message("Message")
NVC_LOOKING: Final = Message("Looking at the message")
NVC_SEND: Final = Message("Send")
NVC_SUGGESTION: Final = Message("It could be put like this")
NVC_BY_MODEL: Final = Message("Written by the model; change it as you like.")
NVC_BY_RULE: Final = Message("Fill in what you saw, and change it as you like.")
NVC_USE: Final = Message("Send this instead")
NVC_AS_IT_IS: Final = Message("Send mine as it is")
NVC_DISCARD: Final = Message("Send nothing")
COMMA_LIST: Final = Message.bilingual(", ", "、")
HARM_NAMES: Final[dict[Harm, Message]] = {
    "judgement": Message("a judgement of the person"),
    "generalization": Message("“always” or “never”"),
    "blame": Message("blame"),
    "comparison": Message("a comparison"),
    "demand": Message("a demand"),
    "threat": Message("a threat"),
    "contempt": Message("a sharp tone"),
}
SETTINGS: Final = Message("Settings")
BROKEN_SETTINGS: Final = Message('The page "Settings" can put the file aside.')
HEALTH: Final = Message("Health")
HEALTH_INTRODUCTION: Final = Message(
    "Looks at the model server, the encoder, the browser, the search and the index, and says what "
    "to do about what is missing."
)
CHECK_NOW: Final = Message("Check now")
CHECKING: Final = Message("Looking at every part…")
MODEL: Final = Message("Model")
MODEL_THAT_ANSWERS: Final = Message("The model that answers")
NOT_PULLED: Final = Message("not pulled yet")
USE_MODEL: Final = Message("Answer with this model")
PULL_NAME: Final = Message("Name of a model to pull")
PULL: Final = Message("Pull")
START_OLLAMA: Final = Message(
    "Start Ollama, and this list shows its models. Without it answers are quotes from the pages."
)
SAVE_SETTINGS: Final = Message("Save settings")
SET_OUTSIDE: Final = Message("set by")
OPTION_NAMES: Final[dict[str, Message]] = {
    "auto": Message("automatic"),
    "zh": Message.verbatim("中文"),
    "en": Message.verbatim("English"),
    "mark": Message("show with a sign"),
    "drop": Message("leave out"),
    "on": Message("on"),
    "off": Message("off"),
    "always": Message("always"),
    "never": Message("never"),
    "system": Message("as the computer has it"),
    "light": Message("light"),
    "dark": Message("dark"),
}
LANGUAGE: Final = Message("Language")
LANGUAGE_NAMES: Final[dict[Language, str]] = {"zh": "中文", "en": "English"}
"""Each in its own language; one that is not here is shown by its code."""

OPENING: Final = Message("Getting ready")
THINKING: Final = Message("Thinking")
QUEUED: Final = Message("Waiting for the answer before")
STOPPED: Final = Message("Stopped")
INTERRUPTED: Final = Message("Cut off")
INTERRUPTED_NOTE: Final = Message(
    "The program ended while this was being answered. Ask again, or go on from here."
)
SEARCHED_WEB: Final = Message("Searched the web")
STOPPED_NOTE: Final = Message("Stopped before it was finished.")
FAILED: Final = Message("Not answered")
NOT_IN_INDEX: Final = Message(
    'Nothing in the index answers this. Switch on "Search the web" below and ask again.'
)
FROM_INDEX: Final = Message("Looked in the index")
REPLIED: Final = Message("Replied")


def collection_label(name: str) -> Message:
    """Return the name of a collection as people read it; those that we named have a translation."""
    return COLLECTION_NAMES.get(name, Message.verbatim(name))


def time_left(seconds: float) -> Message:
    """Return how long a job will take from now, in whole seconds or minutes."""
    if seconds < SECONDS_BELOW:
        return Message("{seconds} s left", seconds=max(1, round(seconds)))
    return Message("{minutes} min left", minutes=round(seconds / 60))


SECONDS_BELOW: Final = 90
"""From here on minutes are shown."""
WHOLE_SECONDS_FROM: Final = 10
"""Below it a decimal is shown: many answers from the index take less than a second."""


def format_seconds(seconds: float, language: Language) -> str:
    """Return "12 s", below ten "1.2 s"."""
    shown = f"{seconds:.1f}" if round(seconds, 1) < WHOLE_SECONDS_FROM else f"{seconds:.0f}"
    return Message("{shown} s", shown=shown).localize(language)


def may_hurt(harms: str) -> Message:
    """Return above a held message what may hurt in it."""
    return Message("This may hurt: {harms}", harms=harms)


def searched_for(query: str) -> Message:
    """Return what the web was searched for."""
    return Message("Searched “{query}”", query=query)


def pages_found(count: int, language: Language) -> str:
    """Return how many pages a search found."""
    return count_pages(count).localize(language)


def pages_so_far(settled: int, found: int, language: Language) -> str:
    """Return how many of the pages found are read or skipped."""
    return Message("{settled} of {found}", settled=settled, found=found).localize(language)


def pages_read(stored: int, skipped: int, language: Language) -> str:
    """Return what became of the pages."""
    left_out = Message(", skipped {skipped}", skipped=skipped) if skipped else None
    read = Message("Read {pages}", pages=count_pages(stored)).localize(language)
    return read + (left_out.localize(language) if left_out else "")


def passages_chosen(passages: int, pages: int, language: Language) -> str:
    """Return how many passages of how many pages go to the model."""
    return Message(
        "Chose {passages} from {pages}",
        passages=count_passages(passages),
        pages=count_pages(pages),
    ).localize(language)


def published_on(day: date, language: Language) -> str:
    """Return when a page says that it was published."""
    return Message("published {day}", day=day.isoformat()).localize(language)


def changed_on(day: date) -> Message:
    """Return when a document says that it was changed."""
    return Message("changed {day}", day=day.isoformat())


CONVERSATION_LABELS: Final[dict[str, Message]] = {
    "conversation": Message("Conversation"),
    "stop": Message("Stop"),
    "from_collections": Message("Answered from"),
    "reasoning": Message("Reasoning"),
    "copy": Message("Copy"),
    "copy_sources": Message("Copy with sources"),
    "copy_code": Message("Copy the code"),
    "copied": Message("Copied"),
    "not_copied": Message("The browser does not allow copying"),
    "again": Message("Ask again"),
    "again_web": Message("Ask again with the web"),
    "again_index": Message("Ask again without the web"),
    "again_fresh": Message("Ask again, read pages anew"),
    "go_on": Message("Go on"),
    "go_on_question": Message("Go on."),
    "why": Message("Why this answer?"),
    "edit": Message("Edit the question"),
    "send": Message("Ask"),
    "cancel": Message("Cancel"),
    "more": Message("Show all"),
    "less": Message("Show less"),
    "close": Message("Close"),
    "good": Message("Good answer"),
    "bad": Message("Bad answer"),
    "what_is_wrong": Message("What is wrong with it?"),
    "wrong": Message("It is wrong"),
    "unsupported_tag": Message("The sources do not say so"),
    "incomplete": Message("Something is missing"),
    "off_topic": Message("It answers another question"),
    "outdated": Message("It is out of date"),
    "language": Message("Badly put"),
    "correction": Message("What should the answer be?"),
    "save": Message("Save"),
    "thanks": Message("Saved on this computer. It can train a better model: assistant feedback"),
    "seconds": Message("{shown} s", shown="{shown}"),
    "source_number": Message("Source {number}", number="{number}"),
    "unsupported": Message("This sentence stands in no source"),
    "re_attached": Message("The number was put right: it is this passage that says so"),
    "answer_ready": Message("The answer is complete"),
    "too_long": Message(
        "With this the question has {count} {count:?character|characters}; it may have "
        "{longest}. Save the text as a file, and add the file here to ask about it.",
        count="{count}",
        longest="{longest}",
    ),
}
"""Texts of the conversation, by the names that `static/conversation.js` knows them by."""

LIST_LABELS: Final[dict[str, Message]] = {
    "list": Message("Conversations"),
    "none": Message("No conversation is found"),
    "actions": Message("More: {title}", title="{title}"),
    "rename": Message("Rename"),
    "delete": Message("Delete"),
    "deleted": Message("Deleted: {title}", title="{title}"),
    "restore": Message("Undo"),
    "save": Message("Save"),
    "cancel": Message("Cancel"),
    "export_md": Message("Export as Markdown"),
    "export_json": Message("Export as JSON"),
    "server_gone": Message("Qiuzheng is not running"),
    "start_server": Message(
        "Start it again with: assistant ui. This page then goes on by itself; what was answered "
        "is kept."
    ),
    "send": Message("Ask"),
    "help": Message("What {name} means", name="{name}"),
    "add_files": Message("Add files"),
    "remove_file": Message("Take {name} away", name="{name}"),
    "close": Message("Close"),
    "upload": Message("Upload"),
    "drop": Message("Drop files here to ask about them"),
    "per_file": Message("{size} MB per file", size="{size}"),
    "too_large": Message("A file may have {size} MB at most", size="{size}"),
    "not_sent": Message("This file could not be sent: take it away and drop it once more"),
}
"""Texts of the list of conversations, by the names that `static/conversations.js` knows them by."""

FRAME_LABELS: Final = (
    Message("Skip to main content"),
    Message("Sidebar"),
    Message("Collapse sidebar"),
    Message("Expand sidebar"),
    Message("Choose an option"),
    Message("Choose options"),
    Message("No results"),
    Message("Open"),
    Message("Dismiss"),
    Message("Decrement"),
    Message("Increment"),
    Message("Selected values"),
    Message("Clear all"),
    Message("Show/hide columns"),
    Message("Download as CSV"),
    Message("Search"),
    Message("Fullscreen"),
    Message("Close fullscreen"),
    Message("Clear selection"),
    Message("progress"),
    Message("Click to retry upload"),
    Message("Press Enter to apply"),
    Message("Press Ctrl+Enter to apply"),
    Message("Press ⌘+Enter to apply"),
    Message("Press Enter to submit form"),
    Message("Press Ctrl+Enter to submit form"),
    Message("Press ⌘+Enter to submit form"),
    Message("Shortcut Alt + N"),
    Message("check_circle icon"),
    Message("warning icon"),
    Message("error icon"),
    Message("Close"),
    Message("Page not found"),
    Message(
        "The page that you have requested does not seem to exist. Running the app's main page."
    ),
)
"""What Streamlit writes and names in English alone, in its own words."""

WEEK_DAYS: Final = 7


def day_label(moment: datetime, *, now: datetime | None = None) -> Message:
    """Return when a conversation was last used, as one heading of the list."""
    day = moment.astimezone().date()
    today = (now or datetime.now().astimezone()).date()
    if day >= today:
        return Message("Today")
    if day == today - timedelta(days=1):
        return Message("Yesterday")
    if day > today - timedelta(days=WEEK_DAYS):
        return Message("Last seven days")
    return Message.verbatim(f"{day:%Y-%m}")
