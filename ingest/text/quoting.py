"""Makes text of web pages safe to quote in a prompt: page text is data, never an instruction."""

import re
from collections.abc import Sequence

from ingest.text.cjk import CJK
from ingest.text.normalize import IGNORABLE, fold_text, normalize_text

# Not \b: there is none between an ideograph and a letter.
_ADDRESS_TO_A_MODEL = re.compile(
    r"(?<![a-z\d_])(?:ignore|disregard|forget)(?![a-z\d_]).{0,40}"
    r"\b(?:previous|prior|above|earlier|other)\b.{0,20}\b(?:instruction|prompt|message|rule)s?"
    r"|(?<![a-z\d_])(?:notice|note|message|instructions?) (?:to|for) (?:all )?"
    r"(?:ai|llm|language model|assistant)"
    r"|(?:忽略|忽视|无视|忘记|忘掉|不要理会).{0,12}(?:之前|以上|前面|先前|上述|所有|一切).{0,8}"
    r"(?:指令|指示|提示|规则|要求)"
    r"|(?:致|给|告诉) ?(?:所有)?(?:ai|人工智[能慧]|大模型|大?语言模型) ?(?:助手|助理)?[:,]"
)
"""In folded text, with single spaces between words and none between ideographs."""
_SPACE_IN_CHINESE = re.compile(rf"(?<=[{CJK}]) (?=[{CJK}])")
_BROKEN_WORD = re.compile(r"[-\u2010\u00ad]\s*\n")
MOST_LINES = 3
"""Lines over which an order may be spread."""
_CONTROL_TOKEN = re.compile(
    r"<(\|[^<>|\n]{1,40}\||｜[^<>｜\n]{1,40}｜|/?think|/?passages|/?s|/?(?:start|end)_of_turn"
    r"|/?(?:system|user|assistant|tool|tool_call|tool_response))>",
    re.IGNORECASE,
)
_LLAMA2_TOKEN = re.compile(r"\[(/?INST)\]|<<(/?SYS)>>")
# Only behind a word or a mark: "[4]" at the start of a line may be a list. What follows must not
# make it code or a link: "a[1] = 2", "[1](https://…)".
_FOOTNOTE = re.compile(
    r"(?P<code>```.*?(?:```|\Z)|`[^`\n]*`)"
    r"|(?:(?<=[^\W_]{2})|(?<=[.,;:!?%)。，、；：！？”’）]))(?:\[[1-9]\d{0,2}\])+(?![\w(`=]|\s?=)",
    re.DOTALL,
)


def addresses_a_model(text: str) -> bool:
    """Return whether a text of a page speaks to a language model instead of to a reader.

    Only the plainest forms: the fence and the rules of the prompt are the defence, but a small
    model obeys what it reads, and quotes should not carry it (OWASP LLM01, "prompt injection").
    In whatever spelling, as a model reads them all: traditional characters, full-width letters,
    spaces or invisible characters within words, ends of lines.
    """
    # A line's hyphen may belong to the word before an order, or break a word of it.
    spellings = (text, normalize_text(text)) if _BROKEN_WORD.search(text) else (text,)
    return any(
        _ADDRESS_TO_A_MODEL.search(_SPACE_IN_CHINESE.sub("", " ".join(fold_text(spelling).split())))
        for spelling in spellings
    )


def orders_to_a_model(lines: Sequence[str]) -> set[int]:
    """Return the places of the lines that speak to a model, alone or with those beside them."""
    places: set[int] = set()
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


def quoted_lines(text: str, *, omitted: str) -> list[str]:
    """Return the lines of a page's text for a prompt, `omitted` for those that speak to a model."""
    neutral = strip_footnotes(neutralize_markup(text)).splitlines()
    lines = [line.strip() for line in neutral if line.strip()]
    orders = orders_to_a_model(lines)
    return [omitted if place in orders else line for place, line in enumerate(lines)]


def neutralize_markup(text: str) -> str:
    """Return text that no chat template and no reader mistakes for our own words.

    Control tokens of chat templates and our fence lose their angle brackets, invisible characters
    (which hide instructions from people, not from models) are dropped.
    """
    # Invisible ones first: "<|im\u200b_end|>" would become a control token by losing its own.
    text = IGNORABLE.sub("", text)
    text = _CONTROL_TOKEN.sub(r"‹\1›", text)
    return _LLAMA2_TOKEN.sub(lambda mark: f"({mark[1] or mark[2]})", text)


def strip_footnotes(text: str) -> str:
    """Return text without footnote numbers ("1998.[4]"), which would pass for our citations."""
    return _FOOTNOTE.sub(lambda found: found["code"] or "", text)


def blank_footnotes(text: str) -> str:
    """Return the same with spaces for what `strip_footnotes` takes out: all else stays in place."""
    return _FOOTNOTE.sub(lambda found: found["code"] or " " * len(found[0]), text)
