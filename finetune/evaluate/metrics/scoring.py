"""All scores and errors of each reply."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from finetune.evaluate.metrics.entities import (
    RecordEntities,
    entity_text,
    locate_entities,
    score_extraction,
)
from finetune.evaluate.metrics.form import (
    extract_numbers,
    is_looping,
    is_same_language,
    is_well_formed,
    repeated_share,
)
from finetune.evaluate.metrics.labels import parse_label
from finetune.evaluate.metrics.likelihood import TargetLoss
from finetune.evaluate.metrics.nvc import parse_nvc_reply
from finetune.evaluate.metrics.overlap import (
    BleuTokenizer,
    bleu_tokenizer,
    overlap_scores,
    sentence_bleu,
    sentence_chrf,
)
from finetune.evaluate.metrics.scored import ErrorType, ReplyError, ScoredReply
from finetune.model.chat_format import render_target
from finetune.model.chat_templates import ChatFormat
from finetune.progress import Progress
from finetune.recipe import Task
from finetune.records import Prediction, Record
from ingest.foundation.messages import Message
from ingest.text.answer_overlap import is_exact_match, token_f1

LOW_OVERLAP = 20.0
"""ROUGE-L, in percent, below which an answer says something else than the reference."""

SCORING = Message("scoring")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scorer:
    """Scores replies to records of one task.

    `labels` may be given besides those of the records; `losses` and `cosines` are by record id, for
    the records that have one.
    """

    fmt: ChatFormat
    task: Task = "text"
    labels: tuple[str, ...] = ()
    losses: Mapping[str, TargetLoss] = field(default_factory=dict)
    cosines: Mapping[str, float] = field(default_factory=dict)

    def score(
        self,
        records: Sequence[Record],
        predictions: Mapping[str, Prediction],
        *,
        progress: Progress,
    ) -> list[ScoredReply]:
        """Return the scores of each record that has a reply, in the records' order."""
        answered = [record for record in records if record.id in predictions]
        tokenizer = bleu_tokenizer([record.last.answer for record in answered])
        labels = tuple(sorted({*self.labels, *map(expected_label, answered)}))
        entities = _EntityScores(self, answered, predictions)
        scored = []
        with progress.stage(SCORING, total=len(answered)) as stage:
            for record in answered:
                scorer = _ReplyScorer(
                    self, record, predictions[record.id], tokenizer, labels, entities
                )
                scored.append(scorer.score())
                stage.advance()
        return scored


def expected_label(record: Record) -> str:
    """Return the record's label, or its answer where the data have no labels (Alpaca)."""
    return record.label or record.last.answer.strip()


class _EntityScores:
    """Entities by record, and the counts of each document."""

    def __init__(
        self, scorer: Scorer, records: Sequence[Record], predictions: Mapping[str, Prediction]
    ) -> None:
        self.by_record: dict[str, RecordEntities] = {}
        self.counts: dict[str, dict[str, float]] = {}
        if scorer.task != "entities":
            return
        for record in records:
            self.by_record[record.id] = locate_entities(record, predictions[record.id].answer)
        totals = dict(score_extraction(self.by_record.values()).documents)
        for name, entities in self.by_record.items():
            # At the first window of a document alone: the sum over records then counts each
            # document once, and the bootstrap draws documents, not parts of them.
            if counts := totals.pop(entities.document, None):
                self.counts[name] = {
                    "entity_right": counts.correct,
                    "entity_given": counts.given,
                    "entity_wanted": counts.expected,
                }


class _ReplyScorer:
    """Scores one reply to one record."""

    def __init__(
        self,
        scorer: Scorer,
        record: Record,
        prediction: Prediction,
        tokenizer: BleuTokenizer,
        labels: Sequence[str],
        entities: _EntityScores,
    ) -> None:
        self._scorer = scorer
        self._record = record
        self._prediction = prediction
        self._reference = record.last.answer
        self._tokenizer = tokenizer
        self._entities = entities
        classifies = scorer.task == "classify"
        self._label = expected_label(record) if classifies else ""
        self._given_label = parse_label(prediction.answer, labels) if classifies else ""
        self._nvc = parse_nvc_reply(prediction.answer, self._reference)

    def score(self) -> ScoredReply:
        """Return all scores and errors that apply to this record."""
        reply = self._prediction
        scores = {
            **self._overlap_scores(),
            "format": float(is_well_formed(reply, thinks=self._scorer.fmt.thinks)),
            "stop": float(reply.stopped),
            "repetition": float(is_looping(reply.text)),
            "repeated_ngrams": repeated_share(reply.text),
            "think_characters": len(reply.think),
            "answer_characters": len(reply.answer),
            "tokens": reply.tokens,
            "seconds": reply.seconds,
            **self._task_scores(),
        }
        # An empty answer is in no language: a model that never answers must not score 100 %.
        if reply.answer.strip():
            scores["language"] = float(is_same_language(reply.answer, self._reference))
        if (cosine := self._scorer.cosines.get(self._record.id)) is not None:
            scores["similarity"] = cosine
        if loss := self._scorer.losses.get(self._record.id):
            scores |= {"nats": loss.nats, "target_tokens": loss.tokens, "target_bytes": loss.bytes}
        errors = [] if reply.answer.strip() else [ReplyError(kind="empty")]
        if not errors and not scores["format"]:
            errors.append(ReplyError(kind="format"))
        if not reply.stopped:
            errors.append(ReplyError(kind="endless"))
        if scores["repetition"]:
            errors.append(ReplyError(kind="repeats"))
        if not is_same_language(reply.answer, self._reference):
            errors.append(ReplyError(kind="language"))
        return ScoredReply(
            question=self._record.last.user,
            reference=self._reference,
            prediction=reply,
            scores=scores,
            errors=(*errors, *self._content_errors(scores["answer_rouge-l"])),
            label=self._label,
            given_label=self._given_label,
        )

    def _overlap_scores(self) -> dict[str, float]:
        answer = self._prediction.answer
        # Under LLaMA-Factory's names: it compares the whole reply, thinking included, with the
        # whole target. For users the answer counts; so both are scored.
        target = render_target(self._scorer.fmt, self._record.last)
        scores = {}
        for prefix, given, expected in (
            ("predict", self._prediction.text, target.removesuffix(self._scorer.fmt.eos)),
            ("answer", answer, self._reference),
        ):
            overlap = overlap_scores(given, expected)
            scores[f"{prefix}_bleu-4"] = overlap.bleu_4
            scores[f"{prefix}_rouge-1"] = overlap.rouge_1
            scores[f"{prefix}_rouge-2"] = overlap.rouge_2
            scores[f"{prefix}_rouge-l"] = overlap.rouge_l
        return scores | {
            "sentence_bleu": sentence_bleu(answer, self._reference, self._tokenizer),
            "sentence_chrf": sentence_chrf(answer, self._reference),
            "exact": float(is_exact_match(answer, self._reference)),
            "token_f1": token_f1(answer, self._reference),
        }

    def _task_scores(self) -> dict[str, float]:
        match self._scorer.task:
            case "classify":
                return {"correct": float(self._given_label == self._label)}
            case "entities":
                return self._entities.counts.get(self._record.id, {})
            case "nvc":
                nvc = self._nvc
                scores = {
                    "risk_right": float(nvc.has_risk and nvc.risk is True),
                    "risk_given": float(nvc.risk is True),
                    "risk_wanted": float(nvc.has_risk),
                    "json_valid": float(nvc.valid),
                }
                return scores if nvc.has_risk else {**scores, "silence": float(nvc.silent)}
            case _:
                return {}

    def _content_errors(self, rouge_l: float) -> Iterator[ReplyError]:
        """Yield the errors of the answer itself, which depend on the task."""
        answer = self._prediction.answer
        match self._scorer.task:
            case "classify" if self._given_label != self._label:
                yield ReplyError(kind="label", detail=self._given_label)
            case "nvc":
                if not self._nvc.is_correct:
                    yield ReplyError(kind="label", detail=f"risk: {self._nvc.risk}")
                if answer.strip() and not self._nvc.valid:
                    yield ReplyError(kind="format", detail="JSON")
            case "entities":
                yield from self._entity_errors()
            case "text" if answer.strip():
                if missing := extract_numbers(self._reference) - extract_numbers(answer):
                    yield ReplyError(kind="number", detail=", ".join(sorted(missing)))
                # Short answers share no word with an equal one in another spelling.
                if rouge_l < LOW_OVERLAP and not is_exact_match(answer, self._reference):
                    yield ReplyError(kind="low_overlap")

    def _entity_errors(self) -> Iterator[ReplyError]:
        entities = self._entities.by_record[self._record.id]
        for span in sorted(entities.expected - entities.given):
            yield ReplyError(kind="missed", detail=entity_text(self._record, span))
        for span in sorted(entities.given - entities.expected):
            # Offsets below 0: the text holds no such words at all.
            kind: ErrorType = "spurious" if span[1] >= 0 else "invented"
            yield ReplyError(kind=kind, detail=entity_text(self._record, span))
