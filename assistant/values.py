"""The values that flow through answering, from search hit to citation."""

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from datetime import date, datetime
from typing import Any, Literal

from assistant.errors import SearchFailure
from ingest.foundation.messages import Language, Message

AnswerKind = Literal["model", "quotes", "nothing"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatMessage:
    """One turn of a conversation."""

    role: Literal["system", "user", "assistant"]
    content: str


Unsupported = Literal["mark", "drop"]
"""What becomes of a sentence that no passage supports: shown with a sign, or left out."""


@dataclass(frozen=True, slots=True)
class Question:
    """What a person wants to know, and what holds for this one answer.

    One open `Assistant` serves questions with different options side by side. An option that is
    None is the assistant's own, from its settings.
    """

    text: str
    _: KW_ONLY
    web: bool = False
    """Search the web first; else the index alone answers."""
    fresh: bool = False
    """Ask engines and sites again, though kept replies and pages would do."""
    model: str | None = None
    """Name of the chat model. A model that is named has to be there: without it the answer fails,
    where the assistant's own model gives way to quotes."""
    top_k: int | None = None
    """Passages to answer from."""
    results: int | None = None
    """Pages wanted from one search."""
    deadline_s: float | None = None
    """Seconds for searching and reading; the answer then starts with what is here."""
    language: Language | None = None
    """Language of the answer; None: the language that the question is in."""
    unsupported: Unsupported | None = None
    """What becomes of sentences that no passage supports."""
    collections: tuple[str, ...] = ()
    """Answer from these alone, and with `web` from pages read for questions; (): from all."""
    private: bool = False
    """Keep no snapshot of the answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchHit:
    """One line of a result page: not fetched, not trusted, never cited."""

    rank: int
    """1 for the first."""
    title: str
    url: str
    snippet: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSkipped:
    """A search engine that was to answer before another one, and did not."""

    engine: str
    """Its name, as people know it."""
    kind: SearchFailure | Literal["empty"]
    text: Message
    """One clause that names the engine: "DuckDuckGo did not answer in time"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchReply:
    """What a search brought, and who brought it."""

    hits: tuple[SearchHit, ...]
    """Best first, each page once; none where the web has nothing."""
    engine: str
    """The name of the engine that answered, as people know it."""
    skipped: tuple[EngineSkipped, ...] = ()
    """The others that were asked or left alone, in their order."""
    cached: bool = False
    """No engine was asked: this is the answer to the same search a while ago."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LegRanks:
    """Where each leg of retrieval had the best chunk of a passage: 1 for its first.

    None where the leg did not find it.
    """

    words: int | None = None
    vectors: int | None = None
    bm25: float | None = None
    """The score of that chunk by words; it has no upper end."""
    cosine: float | None = None
    """That of its vector, -1 to 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """Text chosen for the prompt, under the number that the model cites it by."""

    number: int
    """1 for the first."""
    url: str
    title: str
    text: str
    score: float
    fetched_at: datetime
    published: date | None = None
    modified: date | None = None
    heading: str = ""
    page: int | None = None
    """Page of a PDF on which it begins, from 1; None for what has no pages."""
    page_breaks: tuple[int, ...] = ()
    """Where in `text` each further page begins."""
    ranks: LegRanks = LegRanks()
    """Why it was found."""

    def page_at(self, end: int) -> int | None:
        """Return the page on which what ends at character `end` of the text stands.

        By its end, as its heading is (`section_of`); 0 stands for a place that is not known.
        """
        if self.page is None:
            return None
        return self.page + sum(start < end for start in self.page_breaks)


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitSimilarity:
    """Semantic similarity of a question and a piece of a passage, by the vectors of an encoder."""

    passage: int
    """`Passage.number`."""
    start: int
    end: int
    """Character range in the passage's text."""
    similarity: float
    """0 for a text on something else, 1 for the question itself: the cosine above the encoder's
    noise floor, as a share of what is left above that."""


EvidenceKind = Literal["sentence", "definition", "row", "list", "code", "block"]
Answerability = Literal["answerable", "nearest", "nothing"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockScore:
    """What a score is made of: shares of the question and similarity, added up, times four factors.

    Of a block of several sentences, that of the sentence which was chosen first.
    """

    own_words: float
    """The share of the question's words that the text itself holds, 0 to 1."""
    above: float
    """What its lead-in and the heading that it is under add, each counted less."""
    title: float
    """What the page's title adds."""
    beside: float
    """For the words that a neighbour in the text holds."""
    passage: float
    """For the words that the whole passage holds."""
    rank: float
    """1 for the best passage, less for each one behind it."""
    answer_type: float
    """More than 1 where the text holds what is asked for: a date, a price, a command."""
    kind: float
    """More than 1 for what was written to be looked up: definitions, code, a row on the subject."""
    length: float
    """1, less for long text."""
    similarity: float = 0.0
    """For semantic similarity; 0 where no encoder compared it."""

    @property
    def total(self) -> float:
        """What blocks of one question are ordered by; it compares nothing across questions."""
        shares = self.own_words + self.above + self.title + self.beside + self.passage
        shares += self.similarity
        return shares * self.rank * self.answer_type * self.kind * self.length


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceSignals:
    """Why a block was chosen."""

    terms: tuple[str, ...]
    """The question's words that it holds itself, those that say most first."""
    asked: str
    """The kind of answer that the question asks for, such as "year"; "" for none in particular."""
    typed: float
    """1 if the block holds an answer of that kind, .5 if it may, else 0."""
    score: float
    """What the blocks are ordered by; it has no upper end."""
    parts: BlockScore | None = None
    """What the score is made of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceBlock:
    """A piece of a passage that answers the question, as a reader would want it quoted."""

    number: int
    """1 for the best; not that of the passage."""
    passage: int
    """`Passage.number`: what is cited for it."""
    start: int
    end: int
    """Character range in the passage's text."""
    text: str
    """To be read alone: without Markdown, with the head of its table or the term it defines."""
    kind: EvidenceKind = "sentence"
    heading: str = ""
    """The heading that it is under, "" where it says nothing more than the text."""
    score: float = 0.0
    """1 for a block that holds all of the question, 0 for none."""
    signals: EvidenceSignals | None = None
    """Why it was chosen; None where words cannot be compared: in another language."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerEvidence:
    """What code found in the passages for a question, before any model speaks."""

    blocks: tuple[EvidenceBlock, ...] = ()
    answerability: Answerability = "nothing"
    """"nearest": the passages speak of the question and do not seem to answer it."""


VerdictKind = Literal["supported", "re_attached", "unsupported", "unchecked", "no_claim"]
VerdictReason = Literal["words", "figure", "unit", "polarity", "name", "order", "passage"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SentenceVerdict:
    """Whether one sentence of an answer is in the passages."""

    kind: VerdictKind
    """"re_attached": another passage supports it than the one that the model cited; "unchecked":
    the passages are in another language, and hold its figures."""
    passage: int | None = None
    """`Passage.number` of what supports it."""
    start: int = 0
    end: int = 0
    """Character range in that passage's text, the sentence that supports it."""
    reasons: tuple[VerdictReason, ...] = ()
    """What of an unsupported sentence is in no passage, or is there otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Citation:
    """A passage that the answer really points to."""

    number: int
    url: str
    title: str
    fetched_at: datetime
    published: date | None = None
    modified: date | None = None
    """Day on which a local file was last changed."""
    heading: str = ""
    """Where on the page it stands, "" if at the top."""
    page: int | None = None
    """Page of a PDF, from 1; None for what has no pages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens, as the model server counts them."""

    prompt: int
    reply: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """What a chat model is given: the words, and what they were made from."""

    messages: tuple[ChatMessage, ...]
    question: str
    language: Language
    passages: tuple[Passage, ...] = ()
    """The passages that fitted, in the order of their numbers."""
    evidence: AnswerEvidence = AnswerEvidence()
    """What they hold for the question."""
    dropped: int = 0
    """Passages that did not fit the context."""
    tokens: int = 0
    """Our own estimate of the prompt's length, never below the truth by design."""
    reply_tokens: int | None = None
    """A shorter reply than the model's own limit, if that is enough."""
    thinking: bool = True
    """False: reply at once, where the model can leave its thinking out."""
    second_try: bool = False
    """Whether the model is asked once more, in other words, where its reply is none."""
    quotes_beneath: bool = False
    """Whether the evidence is quoted beneath the reply: small models misread what they get."""
    schema: Mapping[str, Any] | None = None
    """JSON schema that the reply is to follow, where the model's server can see to it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The finished reply."""

    text: str
    kind: AnswerKind
    """"quotes" when no model spoke: sentences of the pages, not an answer."""
    model: str = ""
    reasoning: str = ""
    citations: tuple[Citation, ...] = ()
    usage: Usage | None = None
    id: str = ""
    """Id of its snapshot (`assistant explain ID`), "" if none was kept."""
    found: bool = True
    """False: neither the index nor the web has anything for the question. A command that ends with
    it exits with 3."""
    trust: float | None = None
    """Share of the sentences that claim something which the passages support, None if none does."""
    trust_note: Message | None = None
    """The same as one sentence for people."""
    quotes: str = ""
    """What of the pages is beneath a model's own words, at the end of `text`; "" if nothing."""
