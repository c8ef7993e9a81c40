"""What the makers of embedding models prescribe: prefixes, and which languages are covered.

Prefixed and plain vectors do not mix, so the prefixes are part of a vector space's name.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from ingest.foundation.messages import Language

UNKNOWN_WEIGHT = 0.4
"""What the ranking of a model that was not measured is worth (bench/README.md, retrieval).

A good model then still helps where words find nothing, and a bad one cannot take the first place
from a page that words put there.
"""

LATIN_END = 0x250
"""The first character after the Latin blocks of Unicode (Basic to Extended-B)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCard:
    """How to call one family of models."""

    query: str = ""
    """Goes before a question."""
    document: str = ""
    """Goes before a passage."""
    english_only: bool = False
    same_language: float = 1.0
    """What its ranking is worth where question and text are in one language, 0 to 1."""
    across: float = 1.0
    """The same where one is Chinese and the other English."""

    noise_floors: Mapping[tuple[Language, Language], float] = field(default_factory=dict)
    """(question's language, text's) -> cosine up to which a text is no candidate."""

    @property
    def scheme(self) -> str:
        """Name of the prefixes, for `Embedder.space`: "plain", or eight digits of their hash."""
        if not (self.query or self.document):
            return "plain"
        return hashlib.sha256(f"{self.query}\0{self.document}".encode()).hexdigest()[:8]

    def language_coverage(self, text: str) -> float:
        """Return how well the family knows the language of `text`, 0 to 1."""
        return latin_share(text) if self.english_only else 1.0

    def pair_weight(self, *, question: Language, text: Language) -> float:
        """Return what the family's ranking is worth for this pair of languages, 0 to 1."""
        if self.english_only and (question, text) != ("en", "en"):
            return 0.0
        return self.same_language if question == text else self.across

    def noise_floor(self, *, question: Language, text: Language) -> float:
        """Return the cosine up to which a text says nothing about a question, 0 if unknown."""
        return self.noise_floors.get((question, text), 0.0)


# Measured on XQuAD with paragraphs of other articles: 19 of 20 pairs in one language lie below, and
# 3 of 4 across languages; of the paragraphs that answer at most one in a hundred (bench/README.md).
_E5_SMALL_NOISE: Mapping[tuple[Language, Language], float] = {
    ("zh", "zh"): 0.845,
    ("en", "en"): 0.775,
    ("zh", "en"): 0.745,
    ("en", "zh"): 0.715,
}
_MINILM_NOISE: Mapping[tuple[Language, Language], float] = {("en", "en"): 0.27}

_PASSAGES_EN = "Represent this sentence for searching relevant passages: "

# The first match wins, against the lower-case name without registry and owner: what is more
# specific stands first ("nomic-embed-text-v2" is multilingual, "nomic-embed-text" is not).
# Sources: the model card of each family, section "usage" (nomic-ai/nomic-embed-text-v1.5 and
# -v2-moe, mixedbread-ai/mxbai-embed-large-v1, Snowflake/snowflake-arctic-embed-l and -l-v2.0,
# google/embeddinggemma-300m, Qwen/Qwen3-Embedding-0.6B, BAAI/bge-large-en-v1.5 and bge-m3,
# intfloat/e5-base-v2 and multilingual-e5-small, ibm-granite/granite-embedding-30m-english,
# sentence-transformers/all-MiniLM-L6-v2).
CARDS: tuple[tuple[str, ModelCard], ...] = (
    ("nomic-embed-text-v2", ModelCard(query="search_query: ", document="search_document: ")),
    (
        "nomic-embed-text",
        ModelCard(query="search_query: ", document="search_document: ", english_only=True),
    ),
    ("mxbai-embed-large", ModelCard(query=_PASSAGES_EN, english_only=True)),
    ("snowflake-arctic-embed2", ModelCard(query="query: ")),
    ("snowflake-arctic-embed-l-v2", ModelCard(query="query: ")),
    ("snowflake-arctic-embed-m-v2", ModelCard(query="query: ")),
    ("snowflake-arctic-embed", ModelCard(query=_PASSAGES_EN, english_only=True)),
    (
        "embeddinggemma",
        ModelCard(query="task: search result | query: ", document="title: none | text: "),
    ),
    (
        "qwen3-embedding",
        ModelCard(
            query="Instruct: Given a web search query, retrieve relevant passages that answer the"
            " query\nQuery:"
        ),
    ),
    (
        "multilingual-e5-small",
        ModelCard(query="query: ", document="passage: ", noise_floors=_E5_SMALL_NOISE),
    ),
    ("multilingual-e5", ModelCard(query="query: ", document="passage: ")),
    ("e5-", ModelCard(query="query: ", document="passage: ", english_only=True)),
    ("bge-m3", ModelCard()),
    ("bge-large", ModelCard(query=_PASSAGES_EN, english_only=True)),
    # Ollama's "granite-embedding" without a tag is the English one of 30 million parameters.
    ("granite-embedding:278m", ModelCard()),
    ("granite-embedding-278m", ModelCard()),
    ("granite-embedding-107m", ModelCard()),
    ("granite-embedding", ModelCard(english_only=True)),
    ("paraphrase-multilingual", ModelCard()),
    ("all-minilm", ModelCard(english_only=True, noise_floors=_MINILM_NOISE)),
)

UNKNOWN_CARD = ModelCard(same_language=UNKNOWN_WEIGHT, across=UNKNOWN_WEIGHT)


def card_of(model: str) -> ModelCard:
    """Return the card of a model by its name on the server; `UNKNOWN_CARD` if it is not listed."""
    name = model.lower().rsplit("/", 1)[-1]
    return next((card for start, card in CARDS if name.startswith(start)), UNKNOWN_CARD)


def latin_share(text: str) -> float:
    """Return the share of Latin letters among all letters and ideographs, 1 if there are none."""
    letters = [ord(character) for character in text if character.isalpha()]
    return sum(letter < LATIN_END for letter in letters) / len(letters) if letters else 1.0
