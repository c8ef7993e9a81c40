"""BLEU-4 and ROUGE are LLaMA-Factory's; sacreBLEU's tokeniser follows the language."""

import jieba
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nltk.translate.bleu_score import SmoothingFunction, sentence_bleu
from rouge_chinese import Rouge

from finetune.evaluate.metrics.overlap import (
    OverlapScores,
    bleu_tokenizer,
    corpus_bleu,
    corpus_chrf,
    overlap_scores,
    sentence_chrf,
)
from finetune.evaluate.metrics.overlap import sentence_bleu as sacre_sentence

WORDS = [
    "无人机",
    "限高",
    "120米",
    "。",
    "\n\n",
    "drone",
    "must ",
    "not",
    "”",
    "？",
    " ",
    "……",
    "飞",
]
TEXTS = st.lists(st.sampled_from(WORDS), max_size=30).map("".join)


def by_llama_factory(hypothesis: str, reference: str) -> list[float]:
    """Return what `ComputeSimilarity` of src/llamafactory/train/sft/metric.py appends."""
    given, expected = list(jieba.cut(hypothesis)), list(jieba.cut(reference))
    if not " ".join(given).split() or not " ".join(expected).split():
        rouge = {name: {"f": 0.0} for name in ("rouge-1", "rouge-2", "rouge-l")}
    else:
        rouge = Rouge().get_scores(" ".join(given), " ".join(expected))[0]
    smoothing = SmoothingFunction().method3
    bleu = sentence_bleu([list(reference)], list(hypothesis), smoothing_function=smoothing)
    rouges = [round(rouge[name]["f"] * 100, 4) for name in ("rouge-1", "rouge-2", "rouge-l")]
    return [round(bleu * 100, 4), *rouges]


@given(TEXTS, TEXTS)
def test_scores_are_those_of_llama_factory_to_the_last_digit(answer: str, reference: str) -> None:
    ours = overlap_scores(answer, reference)
    scores = [ours.bleu_4, ours.rouge_1, ours.rouge_2, ours.rouge_l]
    assert scores == by_llama_factory(answer, reference)


def test_an_empty_answer_scores_nothing() -> None:
    assert overlap_scores("", "限高120米") == OverlapScores(
        bleu_4=0, rouge_1=0, rouge_2=0, rouge_l=0
    )


def test_an_endless_reply_is_scored_in_little_memory() -> None:
    endless = "无人机 限高 " * 10_000
    assert 0 < overlap_scores(endless, "无人机限高120米。").rouge_l < 1


def test_chinese_is_cut_into_characters_and_english_into_words() -> None:
    assert bleu_tokenizer(["It flies.", "限高120米。"]) == "zh"
    assert bleu_tokenizer(["It flies."]) == "13a"
    score, signature = corpus_bleu(["轻型无人机限高120米"], ["轻型无人机的限高120米"], "zh")
    assert 50 < score < 100
    assert "tok:zh" in signature


@pytest.mark.parametrize("text", ["轻型无人机限高120米。", "Do not fly above 120 m."])
def test_the_reference_itself_scores_100(text: str) -> None:
    tokenizer = bleu_tokenizer([text])
    assert corpus_bleu([text], [text], tokenizer)[0] == pytest.approx(100)
    assert sacre_sentence(text, text, tokenizer) == pytest.approx(100)
    assert corpus_chrf([text], [text]) == pytest.approx(100)
    assert sentence_chrf(text, text) == pytest.approx(100)
