"""Finds markers, links and addresses at a place of an answer whose end may not have come yet."""

import re
from collections.abc import Callable
from dataclasses import replace

from assistant.answer.citations.escaped_markers import FIRST as ESCAPED
from assistant.answer.citations.escaped_markers import escaped_marker
from assistant.answer.citations.links import (
    DEFINITION,
    DEFINITION_BEGUN,
    LINK,
    LINK_BEGUN,
    MAIL_DOMAIN,
    MAIL_DOMAIN_BEGUN,
    MAX_DEFINITION_CHARACTERS,
    MAX_TAG_CHARACTERS,
    REFERENCE,
    REFERENCE_BEGUN,
    TAG,
    TAG_BEGUN,
    as_code,
    bare_address,
    begins_line,
    is_address_like,
    link_target,
    loads_or_links,
    mailbox_before,
    spells_address,
)
from assistant.answer.citations.markers import (
    BRACES,
    BRACES_BEGUN,
    BRACKETS_BEGUN,
    CIRCLED,
    ELEMENT,
    ELEMENT_BEGUN,
    EMPTY_ELEMENT,
    LABEL_BEHIND,
    MARKER_BEGUN,
    NESTED_BEGUN,
    PARENTHESES_BEGUN,
    RAGFLOW,
    RAGFLOW_BEGUN,
    SUPERSCRIPTS,
    AnswerUnit,
    Kind,
    is_exponent,
    is_index,
    is_interval,
    is_label,
    is_noun,
    marker_numbers,
    nested_markers,
    number_run,
    pointed_at,
    source_in_parentheses,
)

MAX_SPAN = 200
"""Characters that inline code, a bracket or a link's address may have; longer ones are text."""
MAX_ADDRESS_CHARACTERS = 2_000
"""Characters of an address in the text: past it the rest is shown as text."""

_CLOSING = re.compile(r"[\]】］〕\n]")
_AUTOLINK = re.compile(r"<(?P<target>[A-Za-z][A-Za-z0-9+.-]{1,31}:(?!:)[^\s<>]*)>")
_AUTOLINK_BEGUN = re.compile(r"<[A-Za-z][A-Za-z0-9+.-]{0,31}(?::(?!:)[^\s<>]*)?\Z")
_ADDRESS = re.compile(
    r"(?:https?://|ftp://|www\.)[^\s<>\"'`（）【】\u3000-\u303f\u4e00-\u9fff\uff00-\uff5e]*",
    re.IGNORECASE,
)
_LOGS_IN = re.compile(r"\b(?:ssh|scp|sftp|rsync|mosh)(?: [^\s@]+)* [\w.+-]+\Z")
_TEX_COMMAND = re.compile(r"\\[A-Za-z]{1,24}\*?(?:\[[^\[\]]{0,24}\])?(?:\{[^{}]{0,24}\}){0,3}$")
"""Before {9}, which is its argument."""
_ADDRESS_BEGUN = ("http://", "https://", "ftp://", "www.")


_NO_UNIT = AnswerUnit("word", "")


class MarkerScanner:
    """Reads what begins at a place of a text.

    A unit without text says that there is none, None that it takes more text to tell.
    """

    def __init__(
        self,
        text: str,
        at: int,
        *,
        before: str,
        final: bool,
        quoted: bool = False,
        ticked: bool = False,
    ) -> None:
        """`before` is the end of the line so far; `final`: no more text comes.

        `quoted`: a page's own words, of which nothing may be left out, nor become a marker;
        `ticked`: a back-tick before them is open.
        """
        self._quoted = quoted
        self._ticked = ticked
        self._text = text
        self._at = at
        self._before = before
        self._final = final

    def bracket(self, at: int) -> AnswerUnit | None:
        """Return a marker, a link, or the bracket alone."""
        rest = self._text[at : at + 2 * MAX_SPAN]
        if rest.startswith("[[") or (rest == "[" and not self._final):
            nested = self._nested(rest)
            if nested is None or nested.text:
                return nested
        found = _CLOSING.search(rest, 0, MAX_SPAN)
        if found is None and len(rest) < MAX_SPAN:
            # The closing bracket may be in the next delta, but in no marker further away than that.
            if not self._final:
                return None
            if MARKER_BEGUN.match(rest):  # the answer was cut off in mid-marker
                return AnswerUnit("marker", rest)
        if found is None or found[0] == "\n":
            return AnswerUnit("word", rest[0])
        link = self._link(rest, found.end())
        return None if link is None else self._closed_bracket(rest, found.start(), link)

    def _closed_bracket(self, rest: str, closing: int, link: int) -> AnswerUnit | None:
        """Return what a bracket is that closes at `closing`, with a link's address behind it."""
        inside, length = rest[1:closing], closing + 1 + link
        # Our markers are plain: what else looks like one stands so in the page.
        is_plain = inside.isascii() and inside.isdecimal()
        numbers = marker_numbers(inside) if is_plain or not self._quoted else ()
        if not numbers and link:
            return AnswerUnit(
                "link", rest[:length], label=inside, address=link_target(rest[closing + 1 :])
            )
        if not numbers:
            return AnswerUnit("word", rest[0])
        if not link and len(rest) < length + LABEL_BEHIND and not self._final:
            return None  # what follows tells an index from a marker
        before = self._before
        if is_index(before, rest[length:], numbers) or is_interval(inside, before, numbers):
            address = link_target(rest[closing + 1 :]) if link else ""
            if ":" in address or address.startswith("//"):  # and not the call handlers[0](event)
                return AnswerUnit("link", rest[:length], label=rest[: closing + 1], address=address)
            return AnswerUnit("word", rest[:length])
        if not link and is_label(inside, before, rest[length : length + LABEL_BEHIND]):
            return AnswerUnit("word", rest[:length])
        return AnswerUnit("marker", rest[:length], numbers, noun=is_noun(before))

    def _nested(self, rest: str) -> AnswerUnit | None:
        """Return the marker [[9]] or [[9](address)], an empty unit if it is none."""
        if len(rest) == 1:
            return None
        if not self._quoted and (several := nested_markers(rest, self._before)):
            return several
        if NESTED_BEGUN.match(rest) and not self._final:
            return None
        found = _CLOSING.search(rest, 0, MAX_SPAN)
        if found is None:
            return None if len(rest) < MAX_SPAN and not self._final else AnswerUnit("word", "")
        numbers = () if self._quoted else marker_numbers(rest[2 : found.start()])
        if found[0] == "\n" or not numbers:
            return _NO_UNIT
        link = self._link(rest, found.end())
        if link is None:
            return None
        end = found.end() + link
        if end >= len(rest) and not self._final:
            return None
        closed = rest[end : end + 1] == "]"
        end += closed
        outer = self._link(rest, end) if closed else 0
        if outer is None:
            return None
        if not closed:
            return _NO_UNIT
        return AnswerUnit("marker", rest[: end + outer], numbers, noun=is_noun(self._before))

    def link_behind(self) -> AnswerUnit | None:
        """Return the rest of a link whose label was too long or too odd for `bracket`, or "]"."""
        rest = self._text[self._at : self._at + 1 + MAX_SPAN]
        link = self._link(rest, 1)
        if link is None:
            return None
        if not link:
            if len(rest) <= MAX_SPAN or not LINK_BEGUN.match(rest, 1):
                return AnswerUnit("word", "]")
            # Too long to wait for: with a gap it is no link, and its address is read by itself.
            return AnswerUnit("link", "](", label="] (")
        return AnswerUnit("link", rest[: 1 + link], label="]", address=link_target(rest[1:]))

    def _link(self, text: str, start: int) -> int | None:
        """Return the length of the "(address)" at `start`, None if it takes more text to tell."""
        rest = text[start : start + MAX_SPAN]
        if found := LINK.match(rest):
            return found.end()
        # Whether a link can still come of it says the text alone, not where it was cut.
        begun = not rest or (len(rest) < MAX_SPAN and LINK_BEGUN.match(rest))
        return None if begun and not self._final else 0

    def other(self, first: str) -> AnswerUnit | None:
        """Return a marker that is no bracket, or its first character as a word."""
        rest = self._text[self._at : self._at + MAX_SPAN]
        if first in SUPERSCRIPTS or first in CIRCLED:
            return number_run(rest, before=self._before, final=self._final)
        if first in ESCAPED and not self._quoted:
            escaped = escaped_marker(rest, before=self._before, final=self._final)
            if escaped is None or escaped.text:
                return escaped
        if first == "#" and (found := RAGFLOW.match(rest)):
            return AnswerUnit("marker", found[0], (int(found["number"]),))
        if first == "#" and RAGFLOW_BEGUN.match(rest) and not self._final:
            return None
        readers: dict[str, Callable[[str], AnswerUnit | None]] = {
            "<": self._element,
            "{": self._braces,
            "#": lambda _: _NO_UNIT,
            "*": self._emphasised,
            "@": self._mail,
            "&": self._reference,
            **dict.fromkeys("$^\\", lambda _: _NO_UNIT),
        }
        read = readers.get(first, self._parenthesis)(rest)
        return AnswerUnit("word", first) if read is not None and not read.text else read

    def _parenthesis(self, rest: str) -> AnswerUnit | None:
        source = source_in_parentheses(rest, self._before, final=self._final)
        if source is None or source.text:
            return source
        if not self._quoted and (marker := pointed_at(rest, self._before)):
            return marker
        inner = rest[1:].lstrip(" ")
        if not inner:
            return None if not self._final else AnswerUnit("word", "")
        alone = self._alone_in_parentheses(rest, len(rest) - len(inner))
        if alone is None or alone.text:
            return alone
        begun = PARENTHESES_BEGUN.match(rest) or BRACKETS_BEGUN.match(rest)
        if begun and not self._final:
            return None
        return _NO_UNIT

    def _alone_in_parentheses(self, rest: str, start: int) -> AnswerUnit | None:
        """Return ([1]) or (https://a) with the parentheses: a gap would keep them empty."""
        found: AnswerUnit | None
        if rest[start] in "[【［〔":
            found = self.bracket(self._at + start)
        elif rest[start] in "hHwWfF":
            found = self.address(self._at + start)
        else:
            return _NO_UNIT
        if found is None:
            return None
        end = start + len(found.text)
        if found.kind not in ("marker", "address") or not found.text:
            return _NO_UNIT
        if end >= len(rest) and not self._final:
            return None
        if rest[end : end + 1] not in (")", "）"):
            return _NO_UNIT
        return replace(found, text=rest[: end + 1], noun=False)

    def _element(self, rest: str) -> AnswerUnit | None:
        if (found := ELEMENT.match(rest)) and not self._quoted:
            numbers = marker_numbers(found["inside"].strip("[]【】 "))
            raised = found["name"].lower() == "sup" and is_exponent(self._before)
            kind: Kind = "marker" if numbers and not raised else "word"
            return AnswerUnit(kind, found[0], numbers)
        if (found := EMPTY_ELEMENT.match(rest)) and not self._quoted:
            return AnswerUnit("marker", found[0], (int(found["number"]),))
        if found := _AUTOLINK.match(rest):
            return AnswerUnit("address", found[0], address=found["target"])
        if rest[1:2] in "hHwW" and len(rest) > 1:
            address = self.address(self._at + 1)
            if address is None:
                return None
            end = 1 + len(address.text)
            if address.text and rest[end : end + 1] == ">":
                return AnswerUnit("address", rest[: end + 1], address=address.address)
        begun = ELEMENT_BEGUN.match(rest) or (len(rest) < MAX_SPAN and _AUTOLINK_BEGUN.match(rest))
        if begun and not self._final:
            return None
        return self._tag()

    def _tag(self) -> AnswerUnit | None:
        """Return an HTML tag that would load or link something, to be left out."""
        rest = self._text[self._at : self._at + MAX_TAG_CHARACTERS]
        most = MAX_TAG_CHARACTERS
        if "=" not in rest[:MAX_SPAN]:  # x <y: what has no attribute by then becomes none
            most = MAX_SPAN
            rest = rest[:most]
        if found := TAG.match(rest):
            if not loads_or_links(found):
                return _NO_UNIT
            return self._as_code(found[0]) if self._quoted else AnswerUnit("address", found[0])
        if not TAG_BEGUN.match(rest):
            return _NO_UNIT
        if len(rest) < most and not self._final:
            return None
        # With a gap it is text for a browser, too, whatever follows.
        return AnswerUnit("link", "<", label="< ") if re.match(r"<[^\s/]+[\s/]", rest) else _NO_UNIT

    def _as_code(self, text: str) -> AnswerUnit | None:
        """Return a page's own words in back-ticks, which make nothing of them."""
        after = self._text[self._at + len(text) : self._at + len(text) + 1]
        if not after and not self._final:
            return None
        label = as_code(text, before=self._before, after=after, ticked=self._ticked)
        return AnswerUnit("link", text, label=label)

    def definition(self) -> AnswerUnit | None:
        """Return the definition of a reference, [a]: address "title"; an empty unit if none is."""
        rest = self._text[self._at : self._at + MAX_DEFINITION_CHARACTERS]
        if not begins_line(self._before):
            return _NO_UNIT
        whole = len(rest) < MAX_DEFINITION_CHARACTERS
        if DEFINITION_BEGUN.match(rest) and not (whole and self._final):
            return None if whole else AnswerUnit("link", "[", label="\\[")
        found = DEFINITION.match(rest)
        if found is None or not is_address_like(found["target"]):
            return _NO_UNIT
        target = found["target"].strip("<>")
        numbers = marker_numbers(found["label"])
        if numbers and _ADDRESS.match(target) and not found["title"]:
            return _NO_UNIT  # a marker and an address: an entry of a list of sources
        address = "" if numbers else target
        return AnswerUnit("address", found[0], address=address)

    def _mail(self, rest: str) -> AnswerUnit | None:
        """Return the part of a mail address from its "@" on."""
        if MAIL_DOMAIN_BEGUN.match(rest) and not self._final:
            return None
        found = MAIL_DOMAIN.match(rest)
        mailbox = mailbox_before(self._before)
        # Of a command it is a login: git@host:path, ssh root@host.
        if found is None or not mailbox or mailbox == "git" or _LOGS_IN.search(self._before):
            return _NO_UNIT
        return AnswerUnit("address", found[0], address=mailbox + found[0])

    def _reference(self, rest: str) -> AnswerUnit | None:
        """Return the reference in h&#116;tp apart: renderers link what it spells."""
        if REFERENCE_BEGUN.match(rest) and not self._final:
            return None
        found = REFERENCE.match(rest)
        if found is None or not spells_address(found[0]):
            return _NO_UNIT
        if self._quoted:
            return self._as_code(found[0])
        return AnswerUnit("link", found[0], label=f"& {found[0][1:]}")

    def _braces(self, rest: str) -> AnswerUnit | None:
        if found := BRACES.match(rest):
            after = rest[found.end() : found.end() + 1]
            if not after and not self._final:
                return None
            # x^{9}, a{3}, f{1}, the set {9}: code and mathematics.
            glued = not self._before[-1:].isspace() and is_exponent(self._before)
            text = glued or is_interval("1,2", self._before, (1, 2))
            text = text or _TEX_COMMAND.search(self._before) is not None
            if not text and (not after or not after.isalnum()) and self._before.count("$") % 2 == 0:
                return AnswerUnit("marker", found[0], (int(found["number"]),))
            return AnswerUnit("word", found[0])
        return None if BRACES_BEGUN.match(rest) and not self._final else AnswerUnit("word", "")

    def _emphasised(self, rest: str) -> AnswerUnit | None:
        """Return the marker **[1]**."""
        stars = len(rest) - len(rest.lstrip("*"))
        if stars == len(rest):
            return None if not self._final else AnswerUnit("word", rest)
        if rest[stars] not in "[【" or stars > 2:
            return AnswerUnit("word", rest[:stars])
        bracket = self.bracket(self._at + stars)
        if bracket is None:
            return None
        end = stars + len(bracket.text)
        if bracket.kind == "marker":
            if len(rest) < end + stars and not self._final:
                return None
            if rest[end : end + stars] == "*" * stars:
                return AnswerUnit("marker", rest[: end + stars], bracket.numbers)
        return AnswerUnit("word", rest[:stars])

    def address(self, at: int) -> AnswerUnit | None:
        """Return the address at a place, an empty unit if there is none."""
        text = self._text
        found = _ADDRESS.match(text, at, at + MAX_ADDRESS_CHARACTERS)
        if found is None:
            rest = text[at : at + len("https://")].lower()
            begun = not self._final and any(
                start.startswith(rest) and start != rest for start in _ADDRESS_BEGUN
            )
            return None if begun and len(text) == at + len(rest) else AnswerUnit("word", "")
        whole = found[0]
        if found.end() == len(text) and len(whole) < MAX_ADDRESS_CHARACTERS and not self._final:
            return None
        bare = bare_address(whole)
        return AnswerUnit("address", bare, address=bare)
