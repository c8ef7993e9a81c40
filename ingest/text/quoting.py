"""Makes text of web pages safe to quote in a prompt: page text is data, never an instruction."""

import re

from ingest.text.normalize import IGNORABLE
from ingest.text.orders import orders_to_a_model

_CONTROL_TOKEN = re.compile(
    r"<(\|[^<>|\n]{1,40}\||｜[^<>｜\n]{1,40}｜|/?think|/?passages|/?s|/?(?:start|end)_of_turn"
    r"|/?(?:system|user|assistant|tool|tool_call|tool_response|instructions)"
    r"|bos|eos|pad|unk|sop|eop|seed:\w{1,20}|reserved_\d+|unused\d+)>",
    re.IGNORECASE,
)
_BRACKET_TOKEN = re.compile(  # Llama 2, Mistral, GLM
    r"\[(/?INST|/?SYSTEM_PROMPT|/?AVAILABLE_TOOLS|/?TOOL_CALLS|/?TOOL_RESULTS|[gs]?MASK)\]|<<(/?SYS)>>"
)
# Only behind a word or a mark: "[4]" at the start of a line may be a list. What follows must not
# make it code or a link: "a[1] = 2", "[1](https://…)".
_FOOTNOTE = re.compile(
    r"(?P<code>```.*?(?:```|\Z)|`[^`\n]*`)"
    r"|(?:(?<=[^\W_]{2})|(?<=[.,;:!?%)。，、；：！？”’）]))(?:\[[1-9]\d{0,2}\])+(?![\w(`=]|\s?=)",
    re.DOTALL,
)


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
    return _BRACKET_TOKEN.sub(lambda mark: f"({mark[1] or mark[2]})", text)


def strip_footnotes(text: str) -> str:
    """Return text without footnote numbers ("1998.[4]"), which would pass for our citations."""
    return _FOOTNOTE.sub(lambda found: found["code"] or "", text)


def blank_footnotes(text: str) -> str:
    """Return the same with spaces for what `strip_footnotes` takes out: all else stays in place."""
    return _FOOTNOTE.sub(lambda found: found["code"] or " " * len(found[0]), text)
