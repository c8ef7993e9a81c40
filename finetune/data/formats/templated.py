"""Conversations that were written into one text with the marks of a template.

"### Human: … ### Assistant: …", "### Instruction: … ### Response: …", "[INST] … [/INST] …",
ChatML's <|im_start|>, Llama 3's headers, "[Human]: …<eoh> [MOSS]: …", "Human: …".
"""

import re

from finetune.data.formats.messages import parse_messages
from finetune.data.rows import ParsedRow, RowError, RowFields
from ingest.foundation.messages import Message

TEXT_FIELDS = ("text", "plain_text", "conversation_text", "sample", "content")

_ROLE = re.compile(
    r"<\|im_start\|>\s*(?P<chatml>user|assistant|system)\s*\n"
    r"|<\|start_header_id\|>(?P<llama>user|assistant|system)<\|end_header_id\|>\s*"
    r"|<\|(?P<bars>user|assistant|system|prompter)\|>\s*"
    r"|(?:^|\n|\s)###\s*(?P<hashes>Human|User|Assistant|Instruction|Input|Response|System)\s*:\s*"
    r"|\[(?P<moss>Human|MOSS)\]\s*:\s*|(?:^|\n\n)(?P<blank>Human|Assistant):\s*"
    r"|(?P<inst>\[INST\]|\[/INST\])",
)
_SYSTEM = re.compile(r"\s*<<SYS>>(.*?)<</SYS>>\s*", re.DOTALL)
_ENDS = re.compile(
    r"<\|im_end\|>|<\|eot_id\|>|<\|end\|>|<\|begin_of_text\|>|<eo[a-z]>|</?s>|<\|endoftext\|>"
)
_ANSWERS = frozenset({"assistant", "response", "moss", "[/inst]"})


def is_templated_text(text: object) -> bool:
    """Return whether a text holds at least one question and one answer with their marks."""
    if not isinstance(text, str):
        return False
    names = [_name(found) for found in _ROLE.finditer(text)]
    return any(name in _ANSWERS for name in names[1:])


def is_templated_row(fields: RowFields) -> bool:
    """Return whether the row has nothing to learn from but such a text."""
    return any(is_templated_text(fields.value("conversation", name)) for name in TEXT_FIELDS)


def parse_templated_row(fields: RowFields) -> ParsedRow:
    """Return the conversation.

    Raises:
        RowError: there is no question with an answer.
    """
    for name in TEXT_FIELDS:
        if is_templated_text(text := fields.value("conversation", name)):
            return parse_messages(templated_messages(text))
    raise RowError(Message("no text with the marks of a conversation"))


def templated_messages(text: str) -> list[dict[str, str]]:
    """Return the messages of a text; what is before the first mark is the system message."""
    marks = list(_ROLE.finditer(text))
    messages = []
    if marks and (before := _ENDS.sub("", text[: marks[0].start()]).strip()):
        messages.append({"role": "system", "content": before})
    for mark, end in zip(marks, [*(one.start() for one in marks[1:]), len(text)], strict=True):
        name = _name(mark)
        words = _ENDS.sub("", text[mark.end() : end]).strip()
        system = _SYSTEM.match(words)
        if system:
            messages.append({"role": "system", "content": system[1].strip()})
            words = words[system.end() :]
        role = "assistant" if name in _ANSWERS else "system" if name == "system" else "user"
        messages.append({"role": role, "content": words})
    return messages


def _name(found: re.Match[str]) -> str:
    return next(group for group in found.groups() if group).casefold()
