"""Rows of texts of other kinds, in the assistant's own prompt: mixed into those of a collection.

What is trained on pages of one kind alone is declined elsewhere: a model of 135M that learnt from
forty pages of a handbook declined nine in ten questions on other texts (bench/README.md).
"""

from collections.abc import Iterator

from assistant import Settings
from assistant.answer.prompt_request import PromptRequest
from assistant.models.base import ModelSize, ModelTraits
from finetune.other_texts.texts import OtherQuestion, load_other_questions
from finetune.synthesize.checking import (
    NOT_THERE,
    PASSAGES_NOT_THERE,
    SynthesizedRow,
    cited_reply,
    holds_text,
)
from finetune.synthesize.drafts import QuestionDraft

ANSWERED_FOR_ONE_DECLINED = 9
"""Rows of other texts with an answer for each that is to be declined: of the rows of the collection
every seventh is, which is enough to learn it from."""


def other_rows(settings: Settings, size: ModelSize) -> Iterator[SynthesizedRow]:
    """Yield the rows for models of a size; a question whose evidence is not found is left out."""
    traits = ModelTraits(context_tokens=settings.model.context_tokens, size=size)
    answered = declined = 0
    for question in load_other_questions("training"):
        if not question.is_answerable and answered < (declined + 1) * ANSWERED_FOR_ONE_DECLINED:
            continue
        row = _row_of(question, traits, settings.model.reply_tokens)
        if row is not None:
            answered += row.is_answerable
            declined += not row.is_answerable
            yield row


def _row_of(asked: OtherQuestion, traits: ModelTraits, reply_tokens: int) -> SynthesizedRow | None:
    request = PromptRequest(question=asked.text, language=asked.language, reply_tokens=reply_tokens)
    prompt = request.build(asked.passages, traits)
    own = next((one for one in prompt.passages if one.url == asked.url), None)
    reply: str | None
    if own is None:
        return None
    if asked.is_answerable:
        draft = QuestionDraft(
            question=asked.text,
            reply=asked.answer,
            answer=asked.answer,
            kind="other",
            language=asked.language,
            url=asked.url,
            source=own.text,
        )
        # A small model is shown the blocks alone: it must not learn to say what none of them holds.
        notes = "\n".join(block.text for block in prompt.evidence.blocks)
        if prompt.quotes_beneath and not holds_text(notes, asked.answer):
            return None
        reply = cited_reply(draft, prompt, own.number)
    else:
        ways = (NOT_THERE if prompt.quotes_beneath else PASSAGES_NOT_THERE)[asked.language]
        reply = ways[sum(asked.text.encode()) % len(ways)]
    if reply is None:
        return None
    return SynthesizedRow(
        question=asked.text,
        prompt=prompt,
        reply=reply,
        answer=asked.answer,
        kind="other",
        language=asked.language,
        document=asked.url,
    )
