"""Rows of texts of other kinds, in the assistant's own prompt: mixed into those of a collection.

What is trained on pages of one kind alone is declined elsewhere: a model of 135M that learnt from
forty pages of a handbook declined nine in ten questions on other texts (bench/README.md).
"""

from collections.abc import Iterator

from assistant import Settings
from assistant.answer.prompt_request import PromptRequest
from assistant.models.base import ModelSize, ModelTraits
from finetune.other_texts.texts import OtherQuestion, load_other_questions
from finetune.synthesize.checking import SynthesizedRow, cited_reply, holds_text
from finetune.synthesize.drafts import QuestionDraft


def other_rows(settings: Settings, size: ModelSize) -> Iterator[SynthesizedRow]:
    """Yield the rows for models of a size; a question whose evidence is not found is left out.

    All are answered. Their questions are asked in other words than their texts have: they show that
    a word that the notes lack is no reason to decline. What is to be declined, the rows of the
    collection show.
    """
    traits = ModelTraits(context_tokens=settings.model.context_tokens, size=size)
    for question in load_other_questions("training"):
        row = _row_of(question, traits, settings.model.reply_tokens)
        if row is not None:
            yield row


def _row_of(
    question: OtherQuestion, traits: ModelTraits, reply_tokens: int
) -> SynthesizedRow | None:
    request = PromptRequest(
        question=question.text, language=question.language, reply_tokens=reply_tokens
    )
    prompt = request.build(question.passages, traits)
    own = next((one for one in prompt.passages if one.url == question.url), None)
    if own is None or not question.is_answerable:
        return None
    draft = QuestionDraft(
        question=question.text,
        reply=question.answer,
        answer=question.answer,
        kind="other",
        language=question.language,
        url=question.url,
        source=own.text,
    )
    # A small model is shown the blocks alone: it must not learn to say what none of them holds.
    notes = "\n".join(block.text for block in prompt.evidence.blocks)
    if prompt.quotes_beneath and not holds_text(notes, question.answer):
        return None
    reply = cited_reply(draft, prompt, own.number)
    if reply is None:
        return None
    return SynthesizedRow(
        question=question.text,
        prompt=prompt,
        reply=reply,
        answer=question.answer,
        kind="other",
        language=question.language,
        document=question.url,
    )
