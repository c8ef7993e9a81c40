"""The evidence beneath a small model's reply: what the pages say, word for word.

A model of half a billion parameters answers about half of the questions wrongly whatever it is
told, often with words of the pages, so that no check of its sentence can tell. The blocks that code
chose hold the answer nine times out of ten (bench/small_model.py): its reader gets both.
"""

from collections.abc import Sequence

from assistant.values import AnswerEvidence, EvidenceBlock, SentenceVerdict
from ingest.text.words import words

MAX_QUOTES = 3
"""Blocks beneath a reply. Two hold the answer for .88 of XQuAD's questions, three for .95, and a
fourth adds nothing."""

REPEATED_SHARE = 0.8
"""Share of a block's words in the reply from which on quoting it would say the same twice."""

QUOTED_SHARE = 0.5
"""The same where the reply has no word but the block's: it is a quote of its better half."""


def supporting_quotes(
    reply: str, evidence: AnswerEvidence, verdicts: Sequence[SentenceVerdict]
) -> tuple[EvidenceBlock, ...]:
    """Return the blocks to be quoted beneath a reply, those that support it first.

    None if the reply, which is given without its markers, quotes the best of them already.
    """
    reply_words = frozenset(words(reply))
    blocks = sorted(
        evidence.blocks,
        key=lambda block: (
            not any(
                one.passage == block.passage and one.start < block.end and block.start < one.end
                for one in verdicts
            )
        ),
    )
    # A reply that copies a later block may have missed the better one: that is still shown.
    if not blocks or _repeats_block(reply_words, evidence.blocks[0]):
        return ()
    return tuple(block for block in blocks if not _repeats_block(reply_words, block))[:MAX_QUOTES]


def _repeats_block(reply_words: frozenset[str], block: EvidenceBlock) -> bool:
    held = set(words(block.text))
    return len(held & reply_words) >= (
        QUOTED_SHARE if reply_words <= held else REPEATED_SHARE
    ) * len(held)
