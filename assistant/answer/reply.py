"""From passages to the checked reply: evidence, prompt, the model's words, or quotes instead."""

from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import replace

from assistant.answer.citations import CitationStream
from assistant.answer.citations.citation_stream import CheckedSentence
from assistant.answer.evidence.safe_passages import without_orders
from assistant.answer.evidence.supporting_quotes import supporting_quotes
from assistant.answer.evidence_prompt import second_prompt
from assistant.answer.guard import (
    MARKERS,
    PROBLEMS,
    LoopDetector,
    ReplyProblem,
    find_problem,
    is_unsupported,
    without_loop,
)
from assistant.answer.prompt_request import PromptRequest
from assistant.answer.reply_notices import (
    CUT_SHORT,
    LOOPED,
    NOT_ANSWERED,
    ORDERS_LEFT_OUT,
    passages_dropped,
)
from assistant.answer.verification.claims import says_not_there
from assistant.answer.verification.trust import TrustCount
from assistant.errors import ModelError
from assistant.events import (
    AnswerDelta,
    AnswerEvent,
    AnswerFinished,
    EvidenceChosen,
    Notice,
    PassagesChosen,
    ReasoningDelta,
    ReplyFinished,
    SentenceChecked,
    StageStarted,
)
from assistant.models.base import ChatModel, ModelTraits
from assistant.values import (
    Answer,
    AnswerKind,
    EvidenceBlock,
    Passage,
    Prompt,
    Unsupported,
    VerdictKind,
)
from ingest.text.words import words

RETRIED: frozenset[ReplyProblem] = frozenset({"empty", "only_thinking"})
"""Problems that asking once more without thinking may cure: nothing of the reply was shown."""

FOUNDED: frozenset[VerdictKind] = frozenset({"supported", "re_attached", "unchecked"})
"""Verdicts with one of which among its sentences a reply is not `is_unsupported`."""

_BETWEEN = "\n\n"
"""Stands between what a model said and the quotes beneath."""
_OnPrompt = Callable[[Prompt], None]


async def reply_from_passages(
    model: ChatModel,
    passages: Sequence[Passage],
    request: PromptRequest,
    *,
    traits: ModelTraits,
    fallback_model: ChatModel,
    unsupported: Unsupported = "mark",
    on_prompt: _OnPrompt = lambda _: None,
) -> AsyncGenerator[AnswerEvent, None]:
    """Yield the passages, the evidence, and the reply with its citations checked.

    Args:
        model: Answers, or quotes.
        passages: At least one.
        request: What is asked, and how.
        traits: How the model is asked, and what fits it.
        fallback_model: Quotes where the reply is no answer.
        unsupported: What becomes of sentences that no passage supports.
        on_prompt: Receives what the model is given, again where it is given something else.

    Raises:
        ModelError: the model failed. The evidence was yielded before.
    """
    safe = [without_orders(passage) for passage in passages]
    left_out = any(kept.text != passage.text for kept, passage in zip(safe, passages, strict=True))
    prompt = request.build(safe, traits)
    for shown in _before_reply(prompt, traits.context_tokens, model.kind, left_out=left_out):
        yield shown
    for is_last in (False, True):
        try:
            replies = _reply_or_quotes(model, fallback_model, prompt, unsupported, on_prompt)
            async with aclosing(replies) as events:
                async for event in events:
                    yield event
            return
        except ModelError as error:
            # The server counts more tokens than we do, and has said how many: once more, with less.
            learnt = await model.describe()
            can_shrink = error.kind == "too_long" and learnt.context_tokens < traits.context_tokens
            if is_last or not can_shrink:
                raise
        prompt = request.build(safe, learnt)


def _before_reply(
    prompt: Prompt, context_tokens: int, kind: AnswerKind, *, left_out: bool
) -> Iterator[AnswerEvent]:
    """Yield what is known before the model, or what quotes in its place, says a word."""
    if prompt.dropped:
        yield passages_dropped(prompt.dropped, context_tokens)
    yield PassagesChosen(passages=prompt.passages)
    if left_out and prompt.evidence.answerability != "answerable":
        yield Notice(code="orders_left_out", text=ORDERS_LEFT_OUT)
    # Before the evidence, which a front end shows beneath it. Quotes say it in their own text.
    if kind == "model" and (notice := NOT_ANSWERED.get(prompt.evidence.answerability)):
        yield notice
    yield EvidenceChosen(evidence=prompt.evidence, answered_by=kind)
    yield StageStarted(stage="reply")


async def _reply_or_quotes(
    model: ChatModel,
    fallback_model: ChatModel,
    prompt: Prompt,
    unsupported: Unsupported,
    on_prompt: _OnPrompt,
) -> AsyncGenerator[AnswerEvent, None]:
    """Yield the model's reply; where it is none, say why and quote the evidence instead."""
    on_prompt(prompt)
    reply = _ReplyReader(prompt, unsupported)
    async with aclosing(_read(reply, model, prompt)) as events:
        async for event in events:
            yield event
    while (again := _next_try(reply, prompt)) is not None:
        prompt = again
        on_prompt(prompt)
        reply = _ReplyReader(prompt, unsupported)
        async with aclosing(_read(reply, model, prompt)) as events:
            async for event in events:
                yield event
    if reply.problem is None:
        answer = reply.answer(model)
        # A supported sentence may still answer another question: what the pages say stands with it.
        if blocks := reply.quotes_beneath():
            evidence = replace(prompt.evidence, blocks=blocks)
            quotes = _ReplyReader(replace(prompt, evidence=evidence))
            yield AnswerDelta(text=_BETWEEN)
            async with aclosing(quotes.read(fallback_model)) as events:
                async for event in events:
                    yield event
            answer = _joined(answer, reply.text, quotes.answer(fallback_model))
            # "I cannot find it", and there it stands.
            found = answer.found or prompt.evidence.answerability == "answerable"
            answer = replace(answer, found=found)
        for notice in reply.closing_notices():
            yield notice
        yield AnswerFinished(answer=answer)
        return
    yield Notice(code="reply_unusable", text=PROBLEMS[reply.problem])
    # They are the answer now, and get the label that says so.
    quotes = _ReplyReader(replace(prompt, quotes_beneath=False))
    if reply.shown:
        yield AnswerDelta(text=_BETWEEN)
    async with aclosing(quotes.read(fallback_model)) as events:
        async for event in events:
            yield event
    answer = quotes.answer(fallback_model)
    yield AnswerFinished(answer=replace(answer, reasoning=reply.reasoning))


def _next_try(reply: "_ReplyReader", prompt: Prompt) -> Prompt | None:
    """Return what the model is asked once more after this reply, None if it is not."""
    if reply.is_lost_in_thought and prompt.thinking:
        return replace(prompt, thinking=False)
    if prompt.second_try and reply.problem is not None and not reply.shown:
        return second_prompt(prompt)
    return None


async def _read(
    reply: "_ReplyReader", model: ChatModel, prompt: Prompt
) -> AsyncGenerator[AnswerEvent, None]:
    """Yield the reply as it comes; one that may be asked for again, once something supports it.

    Nothing is shown then of a reply that is none: two answers, one of them wrong, would be worse
    than to wait for the end of a sentence, with the evidence on the screen.
    """
    held: list[AnswerEvent] = []
    is_held = prompt.second_try
    try:
        async with aclosing(reply.read(model)) as events:
            async for event in events:
                if isinstance(event, ReasoningDelta):
                    yield event
                    continue
                is_held = is_held and not _ends_wait(event)
                held.append(event)
                if not is_held:
                    for one in held:
                        yield one
                    held.clear()
    except ModelError:
        # No judgement and no second try will come: what was said stands above the error.
        for one in held:
            yield one
        raise
    if reply.problem is None:
        for one in held:
            yield one
    elif held:
        reply.shown = False


def _ends_wait(event: AnswerEvent) -> bool:
    """Return whether a reply that waits for its first founded sentence is shown from here on."""
    match event:
        case SentenceChecked(verdict=verdict):
            return verdict.kind in FOUNDED
        case Notice():  # on what was read until here
            return event.code == "reasoning_leaked"
        case _:
            return False


def _joined(reply: Answer, reply_text: str, quotes: Answer) -> Answer:
    """Return an answer with quotes beneath the text of its reply, the white space included."""
    cited = {one.number: one for one in (*reply.citations, *quotes.citations)}
    return replace(
        reply,
        text=f"{reply_text}{_BETWEEN}{quotes.text}".strip(),
        quotes=quotes.text,
        citations=tuple(cited[number] for number in sorted(cited)),
    )


class _ReplyReader:
    """One reply while it is read: what of it was shown, and what is wrong with it."""

    def __init__(self, prompt: Prompt, unsupported: Unsupported = "mark") -> None:
        self._prompt = prompt
        self._unsupported: Unsupported = unsupported
        self.text = ""
        """The reply so far, with the white space around it."""
        # Text without a word, such as "[2]": models say it instead of an answer.
        self._held = ""
        self._citations = self._new_citations()
        self._checked: list[CheckedSentence] = []
        self._looped = False
        self._finished = ReplyFinished(reason="stop")
        self.trust = TrustCount()
        """Known when it was read."""
        self.reasoning = ""
        self.shown = False
        """Whether any of the text was yielded."""
        self.problem: ReplyProblem | None = None
        """Why it is no answer, known when it was read."""

    async def read(self, model: ChatModel) -> AsyncGenerator[AnswerEvent, None]:
        """Yield the reply as it comes, and know at its end whether it is an answer."""
        self._citations = self._new_citations(quoted=model.kind == "quotes")
        loop, thought_loop = LoopDetector(), LoopDetector()
        async with aclosing(model.stream(self._prompt)) as replies:
            async for event in replies:
                match event:
                    case ReplyFinished():
                        self._finished = event
                    case ReasoningDelta():
                        self.reasoning += event.text
                        yield event
                        self._looped = thought_loop.ends_in_loop_after(event.text)
                    case Notice():
                        if event.code == "reasoning_leaked":
                            # A model that opens no <think> tag but closes one: what was streamed
                            # as the answer was its thinking, so citing begins again.
                            self.reasoning += self.text
                            self.text = self._held = ""
                            self.shown, self._checked = False, []
                            self._citations = self._new_citations()
                        yield event
                    case AnswerDelta():
                        self._looped = loop.ends_in_loop_after(event.text)
                        # A server may send all of it in one piece.
                        new = loop.before_loop(event.text) if self._looped else event.text
                        for event_shown in self._add_text(self._citations.feed(new)):
                            yield event_shown
                if self._looped:  # closing the stream makes the server stop
                    break
        # The last sentence's end was held back: a marker might have followed it.
        for event_shown in self._add_text(self._citations.close()):
            yield event_shown
        self._judge(is_quoting=model.kind == "quotes")

    @property
    def is_lost_in_thought(self) -> bool:
        """Whether the model thought, and nothing of a reply came of it."""
        looped = self.problem == "looped" and not self.shown
        return bool(self.reasoning) and (looped or self.problem in RETRIED)

    def answer(self, model: ChatModel) -> Answer:
        """Return the whole answer."""
        citations = self._citations.citations()
        fits = bool(self._prompt.evidence.blocks)
        return Answer(
            text=self.text.strip(),
            kind=model.kind if fits or model.kind == "model" else "nothing",
            # Citations alone do not tell: across languages nothing is compared, so nothing cited.
            found=bool(citations) or (fits and not says_not_there(self.text)),
            model=model.name,
            reasoning=self.reasoning.strip(),
            citations=citations,
            usage=self._finished.usage,
            trust=self.trust.share,
            trust_note=self.trust.note(),
        )

    def quotes_beneath(self) -> tuple[EvidenceBlock, ...]:
        """Return the blocks of the evidence that belong beneath the reply of a small model."""
        if not self._prompt.quotes_beneath:
            return ()
        # "[1]" would be a word of the reply that no block has.
        reply_text = MARKERS.sub(" ", self.text)
        verdicts = [sentence.verdict for sentence in self._checked]
        return supporting_quotes(reply_text, self._prompt.evidence, verdicts)

    def closing_notices(self) -> list[Notice]:
        """Return what a reader should know about the end of the answer."""
        notices = []
        if self.trust.dropped:
            notices.append(Notice(code="sentences_dropped", text=self.trust.dropped_note()))
        if self._looped:
            notices.append(Notice(code="reply_looped", text=LOOPED))
        elif self._finished.reason == "length":
            notices.append(Notice(code="reply_cut_short", text=CUT_SHORT))
        return notices

    def _add_text(self, text: str) -> list[AnswerDelta | SentenceChecked]:
        """Add text to the reply; return what of it may be shown now, and the verdicts on it."""
        begin = len(self.text) - len(self._held)
        self.text += text
        self._held += text
        self.shown = self.shown or bool(words(MARKERS.sub(" ", self._held)))
        events: list[AnswerDelta | SentenceChecked] = []
        for sentence in self._citations.pop_checked():
            self._checked.append(sentence)
            # Up to the sentence's end first: a front end puts its sign there.
            if self.shown and (part := self._held[: sentence.end - begin]):
                events.append(AnswerDelta(text=part))
                self._held, begin = self._held[len(part) :], sentence.end
            events.append(
                SentenceChecked(text=sentence.text, verdict=sentence.verdict, shown=sentence.shown)
            )
        if self.shown and self._held:
            events.append(AnswerDelta(text=self._held))
            self._held = ""
        return events

    def _new_citations(self, *, quoted: bool = False) -> CitationStream:
        return CitationStream(
            self._prompt.passages,
            question=self._prompt.question,
            unsupported=self._unsupported,
            quoted=quoted,
            quotes={block.passage: block.end for block in reversed(self._prompt.evidence.blocks)},
        )

    def _judge(self, *, is_quoting: bool) -> None:
        """Decide whether the reply is an answer, without the rounds of a loop at its end."""
        self.trust = self._citations.trust
        if is_quoting:
            return
        if self._looped:
            self.text = without_loop(self.text)
            self._checked = [one for one in self._checked if one.end <= len(self.text)]
            self.trust = TrustCount()
            for one in self._checked:
                self.trust.add(one.verdict, dropped=not one.shown)
        self.problem = find_problem(
            self.text,
            reasoning=self.reasoning,
            language=self._prompt.language,
            instructions=self._prompt.messages[0].content,
            question=self._prompt.question,
        )
        verdicts = [sentence.verdict for sentence in self._checked]
        if self.trust.has_nothing_left or (
            self.problem is None
            and is_unsupported(verdicts, paraphrases_count=self._prompt.quotes_beneath)
        ):
            self.problem = "unsupported"
        if self.problem and self._looped:
            self.problem = "looped"
