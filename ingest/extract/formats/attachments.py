"""Files within files: what is attached to a mail or a PDF, through the readers of its kind."""

import html
import re
from collections.abc import Callable

from ingest.extract.base import DamagedFileError, FileContent, OversizedFileError
from ingest.extract.dom import parse_html
from ingest.extract.markdown import render_markdown
from ingest.foundation.errors import MissingDependencyError
from ingest.foundation.messages import Message

MAX_ATTACHMENTS = 50
MAX_DEPTH = 5  # mails within mails

ReadPart = Callable[[str, bytes], "FileContent | None"]
"""Returns the content of an attachment of that name, None if there is no reader for it."""


def no_part(_name: str, _body: bytes) -> FileContent | None:
    """Read no attachment: each is named in a note."""
    return None


class AttachmentReader:
    """Reads what is attached to one document; `notes` say what could not be read, and why."""

    def __init__(self, read_part: ReadPart) -> None:
        self._read_part = read_part
        self._count = 0
        self.notes: list[Message] = []

    def block(self, name: str, body: bytes) -> str:
        """Return the text of an attachment under its name, "" if it is not read."""
        text = self.text(name, body)
        return f"## {name}\n\n{text}" if text else ""

    def text(self, name: str, body: bytes) -> str:
        """Return the text of an attachment, "" if it is not read or has none."""
        self._count += 1
        content = None
        if self._count <= MAX_ATTACHMENTS:
            try:
                content = self._read_part(name, body)
            except OversizedFileError:
                self.notes.append(Message("attachment {name} takes too much memory", name=name))
                return ""
            except DamagedFileError:
                self.notes.append(Message("attachment {name} is damaged", name=name))
                return ""
            except MissingDependencyError as error:
                note = "attachment {name} needs an optional dependency: {command}"
                self.notes.append(Message(note, name=name, command=error.hint))
                return ""
        if content is None:
            self.notes.append(Message("attachment {name} is not read", name=name))
            return ""
        self.notes += content.notes
        # A heading of the attachment is below that of its name.
        return re.sub(r"(?m)^(#{1,4}) ", r"\1## ", content.text)


def html_text(source: str) -> str:
    """Return the text of a mail that is a page, as Markdown."""
    root = parse_html(source)
    body = None if root is None else root.find("body")
    return html.unescape(source) if body is None else render_markdown(body)
