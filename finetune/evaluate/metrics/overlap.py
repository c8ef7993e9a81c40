"""How much of the reference's wording an answer has: BLEU-4 and ROUGE, sacreBLEU, chrF.

BLEU-4 and ROUGE are LLaMA-Factory's (src/llamafactory/train/sft/metric.py), to the last digit, so
that figures can be set beside those of its runs: BLEU-4 of characters with NLTK's smoothing 3,
ROUGE of jieba's words with rouge-chinese. They overrate English, whose characters overlap anyway;
sacreBLEU and chrF are what papers report.
"""

import functools
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ingest.foundation.settings import home
from ingest.text.language import language_of

PERCENT = 100.0
DIGITS = 4
"""LLaMA-Factory rounds the score of each pair so, in percent."""
NEARLY_ZERO = 1e-8
"""What rouge-chinese adds to a denominator that may be zero."""

BleuTokens = Literal["zh", "13a"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap:
    """LLaMA-Factory's four scores of one pair, in percent."""

    bleu_4: float
    rouge_1: float
    rouge_2: float
    rouge_l: float


def overlap(hypothesis: str, reference: str) -> Overlap:
    """Return LLaMA-Factory's scores of one answer; an empty text has ROUGE 0."""
    bleu_4 = round(_bleu_4(hypothesis, reference) * PERCENT, DIGITS)
    said, wanted = _segmented(hypothesis), _segmented(reference)
    if not said.split() or not wanted.split():
        return Overlap(bleu_4=bleu_4, rouge_1=0.0, rouge_2=0.0, rouge_l=0.0)
    counted = _rouge().get_scores(said, wanted)[0]
    return Overlap(
        bleu_4=bleu_4,
        rouge_1=round(counted["rouge-1"]["f"] * PERCENT, DIGITS),
        rouge_2=round(counted["rouge-2"]["f"] * PERCENT, DIGITS),
        rouge_l=round(_rouge_l(_rouge_words(said), _rouge_words(wanted)) * PERCENT, DIGITS),
    )


def bleu_tokens(references: Sequence[str]) -> BleuTokens:
    """Return sacreBLEU's tokeniser: 13a is for spaced writing, and halves a Chinese score."""
    return "zh" if any(language_of(text) == "zh" for text in references) else "13a"


def sentence_bleu(hypothesis: str, reference: str, tokens: BleuTokens) -> float:
    """Return sacreBLEU's score of one pair, in percent, of the n-gram orders that it has."""
    return float(_bleu(tokens, whole=False).sentence_score(hypothesis, [reference]).score)


def corpus_bleu(
    hypotheses: Sequence[str], references: Sequence[str], tokens: BleuTokens
) -> tuple[float, str]:
    """Return sacreBLEU's score of all pairs, in percent, and the signature to cite it with."""
    metric = _bleu(tokens, whole=True)
    score = metric.corpus_score(list(hypotheses), [list(references)]).score
    return float(score), str(metric.get_signature())


def sentence_chrf(hypothesis: str, reference: str) -> float:
    """Return chrF of one pair, in percent (Popović 2015, as sacreBLEU counts it)."""
    return float(_chrf().sentence_score(hypothesis, [reference]).score)


def corpus_chrf(hypotheses: Sequence[str], references: Sequence[str]) -> float:
    """Return chrF of all pairs, in percent."""
    return float(_chrf().corpus_score(list(hypotheses), [list(references)]).score)


def _bleu_4(hypothesis: str, reference: str) -> float:
    from nltk.translate import bleu_score  # heavy: nltk takes 1 s

    smoothing = bleu_score.SmoothingFunction().method3
    return float(
        bleu_score.sentence_bleu([list(reference)], list(hypothesis), smoothing_function=smoothing)
    )


def _segmented(text: str) -> str:
    return " ".join(_segmenter().cut(text))


@functools.cache
def _segmenter() -> Any:
    """Return jieba with its cache in our own folder: it would trust any file of /tmp."""
    import jieba  # heavy: its dictionary takes 1 s

    jieba.setLogLevel(logging.WARNING)
    segmenter = jieba.Tokenizer()
    folder = home() / "cache"
    folder.mkdir(parents=True, exist_ok=True)
    segmenter.tmp_dir = str(folder)
    return segmenter


@functools.cache
def _rouge() -> Any:
    from rouge_chinese import Rouge  # heavy: not needed before the first pair

    return Rouge(metrics=["rouge-1", "rouge-2"])


def _rouge_words(segmented: str) -> list[str]:
    """Return the words that rouge-chinese counts: a blank line is one empty word."""
    return list(_words_of_sentences(_rouge().cut_sent(segmented)))


def _words_of_sentences(sentences: Sequence[str]) -> Iterator[str]:
    for sentence in sentences:
        if sentence:
            yield from " ".join(sentence.split()).split(" ")


def _rouge_l(said: Sequence[str], wanted: Sequence[str]) -> float:
    """Return rouge-chinese's ROUGE-L, 0 to 1.

    Its own table of subsequences is a dictionary of all pairs of words: 4 GB for a model that went
    on for 5,000 words. Ours is equal and takes no room (bench/finetune_metrics.py).
    """
    length = _common_subsequence(said, wanted)
    precision, recall = length / len(said), length / len(wanted)
    return 2 * precision * recall / (precision + recall + NEARLY_ZERO)


def _common_subsequence(one: Sequence[str], other: Sequence[str]) -> int:
    """Return the length of the longest common subsequence, 64 words at a step.

    Bit-parallel: Hyyrö, "Bit-Parallel LCS-length Computation Revisited", AWOCA 2004.
    """
    places: dict[str, int] = {}
    for place, word in enumerate(one):
        places[word] = places.get(word, 0) | 1 << place
    everything = (1 << len(one)) - 1
    unmatched = everything
    for word in other:
        matched = unmatched & places.get(word, 0)
        unmatched = ((unmatched + matched) | (unmatched - matched)) & everything
    return len(one) - unmatched.bit_count()


@functools.cache
def _bleu(tokens: BleuTokens, *, whole: bool) -> Any:
    from sacrebleu import BLEU  # heavy: not needed before the first pair

    return BLEU(tokenize=tokens, effective_order=not whole)


@functools.cache
def _chrf() -> Any:
    from sacrebleu import CHRF  # heavy: not needed before the first pair

    return CHRF()
