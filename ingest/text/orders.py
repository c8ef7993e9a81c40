"""Sees text of pages that speaks to a language model instead of to a reader.

OWASP LLM01, "prompt injection": the fence and the rules of a prompt are the first defence, but a
small model obeys what it reads, and quotes should not carry it. Patterns know the usual forms, in
English and Chinese, in whatever spelling a model reads all the same: traditional characters,
full-width letters, look-alikes of other alphabets, spaces and invisible characters within words,
ends of lines, Base64. Pages that only write about such orders lose the line that quotes one.
"""

import base64
import binascii
import functools
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from ingest.text.cjk import CJK
from ingest.text.normalize import fold_text, normalize_text

MOST_LINES = 3
"""Lines over which an order may be spread, and that a turn which a page plays may go on."""
LONGEST_PARAGRAPH = 1_000
"""Characters of a paragraph that is left out as a whole for one line that speaks to a model."""

_PATTERNS = Path(__file__).with_name("orders.txt")
_TOOL_CALL = re.compile(
    r'"(?:tool_calls?|function_call)"\s*:|</?tool_call>|\[TOOL_CALLS\]', re.IGNORECASE
)
_ROLE_TOKEN = re.compile(
    # What opens a turn, or stands between two: text of a page has no use for it but in code.
    r"<\|(?:im_start|im_end|start_header_id|eot_id|system|user|assistant|observation|channel|end"
    r"|start_of_role|[A-Z_]+_TOKEN)\|>|<｜[^>｜\n]{1,40}｜>|\[/?INST\]|<</?SYS>>|\[/?SYSTEM_PROMPT\]"
    r"|</?(?:start|end)_of_turn>|</?(?:system|assistant|passages|instructions)>|\[gMASK\]"
    r"|<reserved_\d+>",
)
_CODE = re.compile(r"`[^`\n]*`")
_BASE64 = re.compile(r"[A-Za-z0-9+/]{32,}={0,2}")
_SPACE_IN_CHINESE = re.compile(rf"(?<=[{CJK}]) (?=[{CJK}])")
_BROKEN_WORD = re.compile(r"[-\u2010\u00ad]\s*\n")
_LOOK_ALIKES = str.maketrans(
    # Cyrillic and Greek letters that no eye tells from Latin ones (Unicode TR39, confusables).
    "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0458\u0455\u0501\u04bb\u043a\u043c\u0442"
    "\u0432\u043d\u03b1\u03bf\u03c1\u03c5\u03bd\u03b9\u03ba\u03c4\u0261\u0131",
    "aeopcyxijsdhkmtbhaopuviktgi",
)
_FENCE = re.compile(r"\s*(?:```|~~~)")
_PARAGRAPH = re.compile(r"[^\n]+(?:\n[^\n]+)*")


@functools.cache
def _order() -> re.Pattern[str]:
    """Return the one pattern of `orders.txt`, compiled at its first use: that takes a while."""
    names: dict[str, str] = {}
    patterns = []
    for line in _PATTERNS.read_text("utf-8").splitlines():
        if not line or line.startswith("# "):
            continue
        name, equals, value = line.partition(" = ")
        if equals and name.isidentifier():
            names[name] = value
        else:
            patterns.append(re.sub(r"\{([a-z_]+)\}", lambda found: names[found[1]], line))
    return re.compile("|".join(patterns))


def addresses_a_model(text: str) -> bool:
    """Return whether a text of a page speaks to a language model instead of to a reader."""
    # A line's hyphen may belong to the word before an order, or break a word of it.
    spellings = (text, normalize_text(text)) if _BROKEN_WORD.search(text) else (text,)
    return any(_orders(spelling) for spelling in spellings) or _has_encoded_order(text)


def _orders(text: str) -> bool:
    folded = " ".join(fold_text(text).split())
    if _order().search(_SPACE_IN_CHINESE.sub("", folded)):
        return True
    latin = folded.translate(_LOOK_ALIKES)
    return latin != folded and _order().search(latin) is not None


def _has_encoded_order(text: str) -> bool:
    for found in _BASE64.findall(text):
        try:
            decoded = base64.b64decode(found, validate=True).decode("utf-8")
        except (binascii.Error, UnicodeDecodeError):
            continue
        if _orders(decoded):
            return True
    return False


def plays_a_turn(line: str) -> bool:
    """Return whether a line outside of code holds what a chat template sets between turns.

    Pages that explain templates quote them as code, where they are defused and stay.
    """
    bare = _CODE.sub("", line)
    return bool(_ROLE_TOKEN.search(bare) or _TOOL_CALL.search(bare))


def orders_to_a_model(lines: Sequence[str]) -> set[int]:
    """Return the places of the lines that speak to a model, alone or with those beside them."""
    # What stands behind "<|im_start|>assistant", or behind a fence that the page closes itself.
    turns = [n for n, line in enumerate(_outside_code(lines)) if line and plays_a_turn(line)]
    places = {n for turn in turns for n in range(turn, min(turn + 1 + MOST_LINES, len(lines)))}
    if not addresses_a_model("\n".join(lines)):  # nearly always, and at once
        return places
    for count in range(1, MOST_LINES + 1):
        for first in range(len(lines) - count + 1):
            together = range(first, first + count)
            if places.isdisjoint(together) and addresses_a_model(
                "\n".join(lines[first : first + count])
            ):
                places.update(together)
    return places


def _outside_code(lines: Sequence[str]) -> Iterator[str]:
    """Yield the lines, "" for those of fenced code."""
    inside = False
    for line in lines:
        fence = _FENCE.match(line) is not None
        yield "" if inside or fence else line
        inside ^= fence


@functools.lru_cache(maxsize=64)  # a passage is looked at once for the prompt, once for evidence
def blank_orders(text: str) -> str:
    """Return the text with spaces for paragraphs that speak to a model: all else stays in place.

    The whole paragraph: "Ignore previous instructions." is as harmless as the sentence behind it,
    which says what to do instead, is not. Of a long one, the line and its neighbours.
    """
    spans = [(found.start(), found.end()) for found in re.finditer(r"[^\n]*\S[^\n]*", text)]
    lines = [text[start:end] for start, end in spans]
    places = orders_to_a_model(lines)
    if not places:
        return text
    blanked: list[tuple[int, int]] = []
    for paragraph in _PARAGRAPH.finditer(text):
        own = [
            n for n, (start, _) in enumerate(spans) if paragraph.start() <= start < paragraph.end()
        ]
        ordered = [n for n in own if n in places]
        if ordered and paragraph.end() - paragraph.start() <= LONGEST_PARAGRAPH:
            blanked.append(paragraph.span())
        else:
            blanked += [
                (spans[max(own[0], n - 1)][0], spans[min(own[-1], n + 1)][1]) for n in ordered
            ]
    for start, end in blanked:
        blank = "".join(c if c == "\n" else " " for c in text[start:end])
        text = f"{text[:start]}{blank}{text[end:]}"
    return text
