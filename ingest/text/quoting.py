"""Makes text of web pages safe to quote in a prompt: page text is data, never an instruction."""

import re

_ADDRESS_TO_A_MODEL = re.compile(
    r"\b(?:ignore|disregard|forget)\b.{0,40}\b(?:previous|prior|above|earlier|other)\b.{0,20}"
    r"\b(?:instruction|prompt|message|rule)s?"
    r"|\b(?:notice|note|message|instructions?) (?:to|for) (?:all )?"
    r"(?:ai|llm|language model|assistant)"
    r"|(?:忽略|无视|忘记|不要理会).{0,12}(?:之前|以上|前面|先前|上述|所有|一切).{0,8}(?:指令|指示|提示|规则|要求)"
    r"|(?:致|给|告诉)(?:所有)?(?:AI|人工智能|大模型|语言模型)(?:助手|助理)?[：:，,]",
    re.IGNORECASE,
)
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
# Soft hyphens, zero-width characters, bidirectional controls, and Unicode tags, which spell out
# ASCII that no reader sees.
_INVISIBLE = re.compile(
    "[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff\U000e0000-\U000e007f]"
)


def addresses_a_model(line: str) -> bool:
    """Return whether a line of a page speaks to a language model instead of to a reader.

    Only the plainest forms: the fence and the rules of the prompt are the defence, but a small
    model obeys what it reads, and quotes should not carry it (OWASP LLM01, "prompt injection").
    """
    return _ADDRESS_TO_A_MODEL.search(line) is not None


def neutralize_markup(text: str) -> str:
    """Return text that no chat template and no reader mistakes for our own words.

    Control tokens of chat templates and our fence lose their angle brackets, invisible characters
    (which hide instructions from people, not from models) are dropped.
    """
    # Invisible ones first: "<|im\u200b_end|>" would become a control token by losing its own.
    text = _INVISIBLE.sub("", text)
    text = _CONTROL_TOKEN.sub(r"‹\1›", text)
    return _LLAMA2_TOKEN.sub(lambda mark: f"({mark[1] or mark[2]})", text)


def strip_footnotes(text: str) -> str:
    """Return text without footnote numbers ("1998.[4]"), which would pass for our citations."""
    return _FOOTNOTE.sub(lambda found: found["code"] or "", text)


def blank_footnotes(text: str) -> str:
    """Return the same with spaces for what `strip_footnotes` takes out: all else stays in place."""
    return _FOOTNOTE.sub(lambda found: found["code"] or " " * len(found[0]), text)
