"""What is asked of a model, and the prompt that fits the model that is asked."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from assistant.answer.evidence import choose_evidence
from assistant.answer.evidence_prompt import build_evidence_prompt
from assistant.answer.prompts import build_prompt
from assistant.models.base import ModelTraits
from assistant.values import AnswerEvidence, ChatMessage, Passage, Prompt, UnitSimilarity
from ingest.foundation.messages import Language


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptRequest:
    """A question with what a prompt needs beside passages, whichever model will answer it."""

    question: str
    """Standing alone."""
    language: Language
    """Language of the answer."""
    reply_tokens: int
    """Longest reply, thinking included."""
    history: Sequence[ChatMessage] = ()
    """Earlier turns."""
    looked_up: str = ""
    """What the passages were found by (`Retrieved.looked_up`); "" for the question."""
    compared: Sequence[UnitSimilarity] = ()
    """Similarities of pieces of the passages (`Retriever.compare`); () for words alone."""

    def build(self, passages: Sequence[Passage], traits: ModelTraits) -> Prompt:
        """Return the prompt that fits the model's size and context, with the evidence in it."""
        if traits.size != "large":
            return build_evidence_prompt(
                self.question,
                self._evidence(passages),
                passages,
                language=self.language,
                context_tokens=traits.context_tokens,
                reply_tokens=self.reply_tokens,
                second_try=traits.size == "tiny",
            )
        prompt = build_prompt(
            self.question,
            passages,
            language=self.language,
            history=self.history,
            context_tokens=traits.context_tokens,
            reply_tokens=self.reply_tokens,
        )
        if not prompt.passages:
            # Not even a part of one fits: evidence is what is left, and quotes need no context.
            prompt = replace(prompt, passages=tuple(passages))
        return replace(prompt, evidence=self._evidence(prompt.passages))

    def _evidence(self, passages: Sequence[Passage]) -> AnswerEvidence:
        """Return the evidence of passages."""
        return choose_evidence(self.looked_up or self.question, passages, compared=self.compared)
