"""Whether a row teaches what the assistant wants: looked up, put and checked as in serving."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from assistant.answer.evidence.safe_passages import without_orders
from assistant.answer.guard import find_problem
from assistant.answer.prompt_request import PromptRequest
from assistant.answer.retrieval import Retriever
from assistant.answer.verification.verifier import SentenceVerifier
from assistant.models.base import ModelTraits
from assistant.values import Passage, Prompt
from finetune.synthesize.drafts import DraftKind, QuestionDraft
from ingest.foundation.messages import Language, Message
from ingest.text.language import language_of
from ingest.text.words import content_words, sentence_spans, words

RejectReason = Literal["not_found", "not_in_evidence", "unsupported", "ambiguous", "other_language"]
"""Why a draft became no row: the retriever did not find its page; code did not choose its text as
evidence; the verdicts do not support its answer; other pages may answer it, too; the assistant is
set to answer in another language."""

HELD_SHARE = 0.9
"""Share of a text's words from which on another text is taken to hold it."""

LEAST_ABSENT = 0.3
"""Share of the words of a question that no passage may hold where it is to be declined."""

ASKING_WORDS = frozenset(
    re.findall(
        r"\w+",
        """term word name refer mean meant stand used use using call called known say said made
        consist located kept stored default value type 意思 用于 用来 位于 什么 叫做 多少 哪里
        定义""",
    )
)
"""Words that ask, and are not asked for: that a passage lacks "refer" tells nothing of it."""

MAX_TITLE_CHARACTERS = 40
"""Characters of a page's title that a question names."""

WIDER = 3
"""Times as many passages are looked up for a question whose own page is to be left out."""

NOT_THERE: dict[Language, tuple[str, ...]] = {
    "en": (
        "Not stated in the notes.",
        "Not mentioned in the notes.",
        "Not given in the notes.",
    ),
    "zh": ("资料中没有说明。", "资料中没有提到这一点。", "资料中没有给出答案。"),
}
"""Learnt where a small model's notes do not hold the answer; `says_not_there` knows each.

None begins as answers do. Most answers begin with "The": were declining "The notes do not say.", a
model that goes by the likeliest token would begin the same way and then choose among all nouns of a
text, each of them rarer than "notes", and so decline whatever it has not seen the like of.
"""

PASSAGES_NOT_THERE: dict[Language, tuple[str, ...]] = {
    "en": ("The passages do not hold the answer.",),
    "zh": ("段落中没有答案。",),
}
"""The same for large models, in the words of their system message."""

NAMED_PAGE = Message.bilingual("According to “{title}”: {question}", "根据《{title}》，{question}")
"""A question that several pages may answer, asked of one of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SynthesizedRow:
    """A question in the assistant's own prompt, and the answer to be learnt."""

    question: str
    prompt: Prompt
    reply: str
    answer: str
    """What a right reply holds, "" for a question that is to be declined."""
    kind: DraftKind
    language: Language
    document: str
    """URL of the page that the question was made of: rows of one are never in two splits."""

    @property
    def is_answerable(self) -> bool:
        """Whether the passages hold the answer."""
        return bool(self.answer)

    def to_json(self) -> dict[str, Any]:
        """Return the row as a line of a data file (format "passages")."""
        messages = [{"role": one.role, "content": one.content} for one in self.prompt.messages]
        return {
            "messages": [*messages, {"role": "assistant", "content": self.reply}],
            "question": self.question,
            "answer": self.answer,
            "answerable": self.is_answerable,
            "kind": self.kind,
            "language": self.language,
            "document": self.document,
            "passages": [_passage_to_json(one) for one in self.prompt.passages],
        }


def _passage_to_json(passage: Passage) -> dict[str, Any]:
    row = {
        "id": passage.number,
        "title": passage.title,
        "url": passage.url,
        "text": passage.text,
        "heading": passage.heading,
        "fetched_at": passage.fetched_at.isoformat(),
        "published": passage.published.isoformat() if passage.published else "",
        "modified": passage.modified.isoformat() if passage.modified else "",
    }
    return {name: value for name, value in row.items() if value != ""}


class RowChecker:
    """Looks questions up in the index, and keeps those that its passages answer."""

    def __init__(
        self,
        *,
        retriever: Retriever,
        collections: Sequence[str],
        passages: int,
        traits: ModelTraits,
        reply_tokens: int,
        language: Language | None = None,
    ) -> None:
        """Check rows for a model of `traits`, which is given `passages` passages.

        Args:
            retriever: Of the index that the questions were made of.
            collections: Where it is to look; () everywhere.
            passages: As many as the assistant shows its model.
            traits: Decides on the prompt, as in serving.
            reply_tokens: Longest reply.
            language: Of all answers; None: of each question's own.
        """
        self._retriever = retriever
        self._collections = collections
        self._top_k = passages
        self._traits = traits
        self._reply_tokens = reply_tokens
        self._language = language

    async def answered(
        self, draft: QuestionDraft, *, title: str, is_shared: bool
    ) -> SynthesizedRow | RejectReason:
        """Return the row of a question with its answer, or why there is none.

        `title` is that of the page; a question that `is_shared` with other pages names it.
        """
        if self._language and self._language != draft.language:
            return "other_language"
        reason: RejectReason = "ambiguous"
        for question in self._ways_to_ask(draft, title, is_shared=is_shared):
            prompt, _ = await self._look_up(question, draft.language, self._top_k)
            found = self._row_of(draft, question, prompt, is_named=question != draft.question)
            if isinstance(found, SynthesizedRow):
                return found
            reason = found
            # Naming the page helps to find it; it makes no false answer true.
            if reason == "unsupported":
                break
        return reason

    async def declined(self, draft: QuestionDraft) -> SynthesizedRow | RejectReason:
        """Return a row that asks the question without its page, so that nothing answers it."""
        if self._language and self._language != draft.language:
            return "other_language"
        # The page that it would name is not there; a section's question names its own.
        if draft.names_page or draft.kind in ("section", "faq", "list"):
            return "ambiguous"
        prompt, looked_up = await self._look_up(
            draft.question, draft.language, self._top_k * WIDER, without=draft.url
        )
        if not prompt.passages or not lack_words(prompt.passages, looked_up):
            return "ambiguous"
        verifier = SentenceVerifier(prompt.passages, question=draft.question)
        sentences = [draft.reply[start:end] for start, end in sentence_spans(draft.reply)]
        supported = (verdict.passage for verdict in map(verifier.check, sentences))
        if any(supported):
            return "ambiguous"
        choice = NOT_THERE if prompt.quotes_beneath else PASSAGES_NOT_THERE
        ways = choice[draft.language]
        # By the question, so that a second run says the same.
        reply = ways[sum(draft.question.encode()) % len(ways)]
        return SynthesizedRow(
            question=draft.question,
            prompt=prompt,
            reply=reply,
            answer="",
            kind=draft.kind,
            language=draft.language,
            document=draft.url,
        )

    def _ways_to_ask(self, draft: QuestionDraft, title: str, *, is_shared: bool) -> Iterator[str]:
        is_named = any(name in draft.question for name in (f"“{title}”", f"《{title}》"))
        if is_named or (not is_shared and not draft.names_page):
            yield draft.question
        # An English question that names a Chinese page is of a page that is half translated.
        is_foreign = draft.language == "en" and language_of(title) == "zh"
        if title and not is_named and not is_foreign and len(title) <= MAX_TITLE_CHARACTERS:
            yield NAMED_PAGE.localize(draft.language).format(title=title, question=draft.question)

    async def _look_up(
        self, question: str, language: Language, top_k: int, *, without: str = ""
    ) -> tuple[Prompt, str]:
        """Return the prompt that the assistant would make, and what it looked up.

        Passages of the page `without` are left out.
        """
        retrieved = await self._retriever.retrieve(
            question, top_k=top_k, collections=self._collections
        )
        kept = [one for one in retrieved.passages if one.url != without][: self._top_k]
        # Numbered again: a gap would tell that something was taken away.
        safe = tuple(
            replace(without_orders(one), number=at) for at, one in enumerate(kept, start=1)
        )
        request = PromptRequest(
            question=question,
            language=language,
            reply_tokens=self._reply_tokens,
            looked_up=retrieved.looked_up,
            compared=await self._retriever.compare(question, replace(retrieved, passages=safe)),
        )
        return request.build(safe, self._traits), retrieved.looked_up

    def _row_of(
        self, draft: QuestionDraft, question: str, prompt: Prompt, *, is_named: bool
    ) -> SynthesizedRow | RejectReason:
        # Of whatever page: retrieval shows one of two copies, and either answers.
        gold = [one.number for one in prompt.passages if holds_text(one.text, draft.source)]
        if not gold:
            return "not_found"
        # The first block decides: a question whose best evidence is another page's is that page's.
        blocks = prompt.evidence.blocks
        if not blocks or (not is_named and blocks[0].passage not in gold):
            return "ambiguous" if blocks else "not_in_evidence"
        notes = "\n".join(block.text for block in blocks)
        # "7 hours" of another row of the table is no evidence: of a cell, its row has to be there.
        held = draft.source.rpartition("\n")[2] if draft.kind == "row" else draft.answer
        if prompt.quotes_beneath and not holds_text(notes, held):
            return "not_in_evidence"
        reply = cited_reply(draft, prompt, gold[0])
        problem = find_problem(
            reply or "",
            reasoning="",
            language=draft.language,
            instructions=prompt.messages[0].content,
            question=question,
        )
        if reply is None or problem:
            return "unsupported"
        return SynthesizedRow(
            question=question,
            prompt=prompt,
            reply=reply,
            answer=draft.answer,
            kind=draft.kind,
            language=draft.language,
            document=draft.url,
        )


def cited_reply(draft: QuestionDraft, prompt: Prompt, gold: int) -> str | None:
    """Return the answer with its markers where the prompt wants them; None: not supported.

    `gold` is the number of the passage that the answer was taken from.
    """
    verifier = SentenceVerifier(prompt.passages, question=draft.question)
    reply, cited, end = draft.reply, "", 0
    for start, behind in sentence_spans(reply):
        sentence = reply[start:behind].rstrip()
        verdict = verifier.check(sentence)
        # "a charger" claims too little to be looked up; that it is the page's own is known.
        own = verdict.kind == "no_claim" and holds_text(draft.source, sentence)
        if verdict.kind != "supported" and not own:
            return None
        cited += reply[end:start] + sentence
        end = start + len(sentence)
        stop = sentence[-1] if sentence[-1] in "。.！!？?" else ""
        # Lines of a list end without a stop; what leads to them has no marker.
        if stop or (reply[end : end + 1] in ("", "\n") and not sentence.endswith((":", "："))):
            gap = "" if draft.language == "zh" else " "
            cited = f"{cited.removesuffix(stop)}{gap}[{verdict.passage or gold}]{stop}"
    # The prompt for small models asks for plain prose: citing is code there.
    return reply if prompt.quotes_beneath else cited


def lack_words(passages: Sequence[Passage], question: str) -> bool:
    """Return whether passages lack so many words of what is asked for that none can answer it.

    Passages that hold most of them may answer it, one or several together.
    """
    held = frozenset(
        word for one in passages for word in words(f"{one.title} {one.heading} {one.text}")
    )
    wanted = frozenset(content_words(question)) - ASKING_WORDS
    return len(wanted - held) >= max(1, LEAST_ABSENT * len(wanted))


def holds_text(text: str, part: str) -> bool:
    """Return whether a text has a part of it as it stands, or nearly all of its words."""
    # 7天 is two words by itself and none of those of 后7天内, whose bigrams go over its ends.
    if "".join(part.split()) in "".join(text.split()):
        return True
    wanted = words(part)
    held = frozenset(words(text))
    return sum(word in held for word in wanted) >= HELD_SHARE * len(wanted)
