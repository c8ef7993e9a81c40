"""All scores of all replies: what each reply gets, and what it did wrong."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from finetune.evaluate.metrics import nvc
from finetune.evaluate.metrics.entities import FoundEntity, entity_text, extraction, found_in
from finetune.evaluate.metrics.exact import is_exact, token_f1
from finetune.evaluate.metrics.form import (
    loops,
    numbers,
    repeated_share,
    same_language,
    well_formed,
)
from finetune.evaluate.metrics.labels import given_label
from finetune.evaluate.metrics.likelihood import TargetLoss
from finetune.evaluate.metrics.overlap import (
    BleuTokens,
    Overlap,
    bleu_tokens,
    overlap,
    sentence_bleu,
    sentence_chrf,
)
from finetune.evaluate.metrics.scored import ErrorType, ReplyError, Scored
from finetune.model.chat_format import ChatFormat, render_target
from finetune.progress import Progress
from finetune.recipe import Task
from finetune.records import Prediction, Record
from ingest.foundation.messages import Message

LOW_OVERLAP = 20.0
"""ROUGE-L, in percent, below which an answer says something else than the reference."""
SCORING = Message("scoring")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scorer:
    """Scores replies to records of one task.

    `labels` are those that an answer may give besides the records' own; `losses` and `cosines` are
    by record id, where there are any.
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
    ) -> list[Scored]:
        """Return the scores of each record that has a reply, in the records' order."""
        answered = [record for record in records if record.id in predictions]
        tokens = bleu_tokens([record.last.answer for record in answered])
        labels = tuple(sorted({*self.labels, *map(wanted_label, answered)}))
        scored = []
        documents = _Documents(self, answered, predictions)
        with progress.stage(SCORING, total=len(answered)) as stage:
            for record in answered:
                reply = _Reply(self, record, predictions[record.id], tokens, labels, documents)
                scored.append(reply.scored())
                stage.advance()
        return scored


def wanted_label(record: Record) -> str:
    """Return the label to give: the record's own, or its answer where data name none (Alpaca)."""
    return record.label or record.last.answer.strip()


class _Documents:
    """Entities of records, and the counts of each document at its first record."""

    def __init__(
        self, scorer: Scorer, records: Sequence[Record], predictions: Mapping[str, Prediction]
    ) -> None:
        self.found: dict[str, FoundEntity] = {}
        self.counts: dict[str, dict[str, float]] = {}
        if scorer.task != "entities":
            return
        for record in records:
            answer = predictions[record.id].answer
            self.found[record.id] = found_in(record, answer)
        totals = dict(extraction(self.found.values()).documents)
        for name, found in self.found.items():
            if counts := totals.pop(found.document, None):
                self.counts[name] = {
                    "entity_right": counts.right,
                    "entity_given": counts.given,
                    "entity_wanted": counts.wanted,
                }


class _Reply:
    """One reply while it is scored."""

    def __init__(
        self,
        scorer: Scorer,
        record: Record,
        prediction: Prediction,
        tokens: BleuTokens,
        labels: Sequence[str],
        documents: _Documents,
    ) -> None:
        self._scorer = scorer
        self._record = record
        self._said = prediction
        self._wanted = record.last.answer
        self._tokens = tokens
        self._documents = documents
        classifies = scorer.task == "classify"
        self._label = wanted_label(record) if classifies else ""
        self._given = given_label(prediction.answer, labels) if classifies else ""
        self._message = nvc.judge(prediction.answer, self._wanted)

    def scored(self) -> Scored:
        """Return all scores and faults."""
        scores = {**self._overlaps(), **self._forms(), **self._tasks(), **self._models()}
        return Scored(
            question=self._record.last.user,
            wanted=self._wanted,
            prediction=self._said,
            scores=scores,
            faults=tuple(self._faults(scores["answer_rouge-l"])),
            label=self._label,
            given=self._given,
        )

    def _overlaps(self) -> dict[str, float]:
        answer = self._said.answer
        target = render_target(self._scorer.fmt, self._record.last)
        whole = overlap(self._said.text, target.removesuffix(self._scorer.fmt.eos))
        return {
            **_named("predict", whole),
            **_named("answer", overlap(answer, self._wanted)),
            "sentence_bleu": sentence_bleu(answer, self._wanted, self._tokens),
            "sentence_chrf": sentence_chrf(answer, self._wanted),
            "exact": float(is_exact(answer, self._wanted)),
            "token_f1": token_f1(answer, self._wanted),
        }

    def _forms(self) -> dict[str, float]:
        said = self._said
        spoken = {"language": float(same_language(said.answer, self._wanted))}
        return {
            **(spoken if said.answer.strip() else {}),
            "format": float(well_formed(said, thinks=self._scorer.fmt.thinks)),
            "stop": float(said.stopped),
            "repetition": float(loops(said.text)),
            "repeated_ngrams": repeated_share(said.text),
            "think_characters": len(said.think),
            "answer_characters": len(said.answer),
            "tokens": said.tokens,
            "seconds": said.seconds,
        }

    def _tasks(self) -> dict[str, float]:
        task = self._scorer.task
        if task == "classify":
            return {"correct": float(self._given == self._label)}
        if task == "entities":
            return self._documents.counts.get(self._record.id, {})
        if task != "nvc":
            return {}
        told = self._message
        scores = {
            "risk_right": float(told.wanted and told.risk is True),
            "risk_given": float(told.risk is True),
            "risk_wanted": float(told.wanted),
            "json_valid": float(told.valid),
        }
        return scores if told.wanted else {**scores, "silence": float(told.silent)}

    def _models(self) -> dict[str, float]:
        """Return what the model's probabilities and the encoder say, where they were asked."""
        scores: dict[str, float] = {}
        if (cosine := self._scorer.cosines.get(self._record.id)) is not None:
            scores["similarity"] = cosine
        if loss := self._scorer.losses.get(self._record.id):
            scores |= {"nats": loss.nats, "target_tokens": loss.tokens, "target_bytes": loss.bytes}
        return scores

    def _faults(self, rouge_l: float) -> Iterator[ReplyError]:
        said = self._said
        if not said.answer.strip():
            yield ReplyError(kind="empty")
        elif not well_formed(said, thinks=self._scorer.fmt.thinks):
            yield ReplyError(kind="format")
        if not said.stopped:
            yield ReplyError(kind="endless")
        if loops(said.text):
            yield ReplyError(kind="repeats")
        if not same_language(said.answer, self._wanted):
            yield ReplyError(kind="language")
        yield from self._wrong(rouge_l)

    def _wrong(self, rouge_l: float) -> Iterator[ReplyError]:
        """Yield what is wrong in the answer itself, by the task."""
        task = self._scorer.task
        if task == "classify" and self._given != self._label:
            yield ReplyError(kind="label", detail=self._given)
        if task == "nvc" and not self._message.right:
            yield ReplyError(kind="label", detail=f"risk: {self._message.risk}")
        if task == "nvc" and self._said.answer.strip() and not self._message.valid:
            yield ReplyError(kind="format", detail="JSON")
        if task == "entities":
            yield from self._entity_faults()
        if task == "text" and self._said.answer.strip():
            if missing := numbers(self._wanted) - numbers(self._said.answer):
                yield ReplyError(kind="number", detail=", ".join(sorted(missing)))
            if rouge_l < LOW_OVERLAP and not is_exact(self._said.answer, self._wanted):
                yield ReplyError(kind="low_overlap")

    def _entity_faults(self) -> Iterator[ReplyError]:
        found = self._documents.found[self._record.id]
        for span in sorted(found.wanted - found.given):
            yield ReplyError(kind="missed", detail=entity_text(self._record, span))
        for span in sorted(found.given - found.wanted):
            kind: ErrorType = "spurious" if span[1] >= 0 else "invented"
            yield ReplyError(kind=kind, detail=entity_text(self._record, span))


def _named(prefix: str, scores: Overlap) -> dict[str, float]:
    """Return scores under LLaMA-Factory's names, or our like of them."""
    return {
        f"{prefix}_bleu-4": scores.bleu_4,
        f"{prefix}_rouge-1": scores.rouge_1,
        f"{prefix}_rouge-2": scores.rouge_2,
        f"{prefix}_rouge-l": scores.rouge_l,
    }
