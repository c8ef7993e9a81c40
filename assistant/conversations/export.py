"""A conversation as a file: Markdown for people, JSON for programs."""

import json
import re
from collections.abc import Sequence

from assistant.conversations.turns import ConversationTurn
from assistant.events import AnswerFinished
from assistant.labels import SOURCES
from assistant.values import Answer
from ingest.foundation.messages import Language

_CODE = re.compile(r"(```.*?(?:```|\Z)|`[^`\n]+`)", re.DOTALL)
_ACTIVE = re.compile(r"!(?=\[)|<(?=[A-Za-z/!?])|(?<=\])\((?=\S)")


def export_markdown(title: str, turns: Sequence[ConversationTurn], language: Language) -> str:
    """Return a conversation as Markdown: questions as headings, answers with their sources."""
    lines = [f"# {title}", ""]
    for turn in turns:
        question = _defused(" ".join(turn.question.split()))
        lines += [f"## {question}", "", _defused(turn.text.strip()), ""]
        answer = _answer_of(turn)
        if answer is not None and answer.citations:
            lines += [f"**{SOURCES.localize(language)}**", ""]
            lines += [
                f"- [{one.number}] {_defused(' '.join(one.title.split()))} <{one.url}>"
                for one in answer.citations
            ]
            lines.append("")
        if answer is not None and answer.trust_note is not None:
            lines += [f"*{answer.trust_note.localize(language)}*", ""]
        if turn.failure is not None:
            lines += [f"> {turn.failure.message.localize(language)}", ""]
    return "\n".join(lines)


def export_json(title: str, turns: Sequence[ConversationTurn]) -> str:
    """Return a conversation as JSON: for each turn question, answer, sources and trust."""
    values = []
    for turn in turns:
        answer = _answer_of(turn)
        values.append(
            {
                "question": turn.question,
                "asked_at": turn.asked_at.isoformat(),
                "web": turn.web,
                "state": turn.state,
                "seconds": round(turn.seconds, 1),
                "answer": turn.text,
                "answer_id": answer.id if answer else "",
                "trust": answer.trust if answer else None,
                "citations": [
                    {
                        "number": citation.number,
                        "url": citation.url,
                        "title": citation.title,
                        "heading": citation.heading,
                        "page": citation.page,
                        "fetched_at": citation.fetched_at.isoformat(),
                    }
                    for citation in (answer.citations if answer else ())
                ],
            }
        )
    body = {"title": title, "turns": values}
    return json.dumps(body, ensure_ascii=False, indent=2) + "\n"


def _defused(text: str) -> str:
    """Return Markdown that loads nothing and links nowhere, whoever opens the file.

    Code is shown as it is, and needs nothing done to it.
    """
    parts = _CODE.split(text)
    return "".join(part if n % 2 else _ACTIVE.sub(r"\\\g<0>", part) for n, part in enumerate(parts))


def _answer_of(turn: ConversationTurn) -> Answer | None:
    return next((event.answer for event in turn.events if isinstance(event, AnswerFinished)), None)
