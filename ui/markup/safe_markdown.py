"""Escapes text for Streamlit's own elements, which take Markdown: it is shown as it was typed.

File names, titles and messages that name them may hold Markdown; what a model writes is drawn by
`markup_tree` instead.
"""

import re

from ingest.foundation.errors import QiuzhengError, SettingsError
from ingest.foundation.messages import Language, Message
from ui import labels
from ui.page_terms import begin_sentence, in_page_terms
from ui.settings_file import file_at_fault

# Streamlit's parser links bare addresses, even escaped ones (mdast-util-gfm-autolink-literal looks
# at finished text), but never in code: that is why addresses are set as code.
_ADDRESS = (
    r"(?:https?://|www\.)[!-_a-{}~]*"  # ASCII without backtick and bar; 。 and ） end an address
    r"|[-.\w+]+@[-\w]+(?:\.[-\w]+)+"
)
_LITERAL = re.compile(rf"(?P<address>{_ADDRESS})|(?P<mark>[!-/:-@\[-`{{-~])", re.IGNORECASE)
_PUNCTUATION = ".,;:!?'\")]}"


def escape_markdown(text: str) -> str:
    """Return Markdown that shows `text` as it is, on one line."""
    line = " ".join(text.split())
    shown, end = "", 0
    for match in _LITERAL.finditer(line):
        shown += line[end : match.start()]
        end = match.end()
        if not match["address"]:
            shown += f"\\{match[0]}"
            continue
        # As code, which is never linked; the full stop behind an address ends the sentence.
        address = match[0].rstrip(_PUNCTUATION)
        if address:
            # Two code spans that touch would be read as one.
            shown += f" `{address}`" if shown.endswith("`") else f"`{address}`"
        shown += "".join(f"\\{c}" for c in match[0][len(address) :])
    return shown + line[end:]


def escape_message(text: Message, language: Language) -> str:
    """Return Markdown that shows a message in one language."""
    return escape_markdown(text.localize(language))


def escape_notice(text: Message, language: Language) -> str:
    """Return Markdown that shows a message by itself: begun as a sentence, in the page's terms."""
    shown = in_page_terms(text).localize(language)
    return escape_markdown(begin_sentence(shown, language))


def escape_error(error: QiuzhengError, language: Language) -> str:
    """Return Markdown that shows what went wrong, and below it what to do."""
    parts = (error.message, error.hint)
    return "\n\n".join(escape_notice(part, language) for part in parts)


def escape_settings_error(error: QiuzhengError, language: Language) -> str:
    """Return an error as `escape_error` does; where settings are broken, with the page's way on."""
    shown = escape_error(error, language)
    if not isinstance(error, SettingsError) or file_at_fault() is None:
        return shown
    return f"{shown}\n\n{labels.BROKEN_SETTINGS.localize(language)}"
