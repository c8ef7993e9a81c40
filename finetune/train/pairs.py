"""Pairs of replies in memory, and the batches that training by preferences takes of them."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypedDict

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from transformers import PreTrainedModel

from finetune.errors import RecipeError
from finetune.model.chat_format import chat_format
from finetune.model.samples import Sample, encode_pair
from finetune.model.tokenization import ChatTokenizer
from finetune.progress import Progress
from finetune.recipe import Recipe
from finetune.records import Split
from finetune.runs import Run
from finetune.train.batches import SampleRow, SampleSet, TrainingSet, padding_collator
from ingest.foundation.messages import Message


class PairRow(TypedDict):
    """Two samples of one prompt. `reference` is (2,): their summed log-probabilities, or 0."""

    chosen: SampleRow
    rejected: SampleRow
    reference: Tensor


class PairSet(Dataset[PairRow]):
    """Pairs in memory, in the order given. `reference` is (pairs, 2), fp32: chosen, rejected."""

    def __init__(self, pairs: Sequence[tuple[Sample, Sample]]) -> None:
        self._chosen = SampleSet(chosen for chosen, _ in pairs)
        self._rejected = SampleSet(rejected for _, rejected in pairs)
        self.reference = torch.zeros(len(pairs), 2)

    def __len__(self) -> int:
        return len(self._chosen)

    def __getitem__(self, index: int) -> PairRow:
        return {
            "chosen": self._chosen[index],
            "rejected": self._rejected[index],
            "reference": self.reference[index],
        }

    @property
    def tokens(self) -> int:
        """Tokens of all samples; the prompt of a pair is read twice."""
        return self._chosen.tokens + self._rejected.tokens

    @property
    def samples(self) -> int:
        """Number of pairs: one a row."""
        return len(self)


def load_pair_set(
    recipe: Recipe, run: Run, tokenizer: ChatTokenizer, *, progress: Progress
) -> TrainingSet:
    """Return the pairs of the splits `train` and `val`; records without one are counted.

    Raises:
        RecipeError: no pair to train on is left, or `prepare` has not been run.
    """
    counts = {"dropped": 0, "shortened": 0, "unpaired": 0}

    def encode_split(split: Split) -> Iterator[tuple[Sample, Sample]]:
        with progress.stage(Message("encoding {split}", split=split)) as stage:
            for record in run.records(split):
                stage.advance()
                if record.rejected is None:
                    counts["unpaired"] += 1
                    continue
                pair = encode_pair(
                    record,
                    chat_format(recipe.model.format),
                    tokenizer,
                    max_tokens=recipe.train.max_tokens,
                    over_length=recipe.train.over_length,
                )
                counts["dropped"] += pair is None
                if pair is not None:
                    yield pair

    train = PairSet(list(encode_split("train")))
    if not len(train):
        raise _no_pairs(recipe, counts)
    return TrainingSet(train=train, val=PairSet(list(encode_split("val"))), **counts)


def pair_collator(pad_id: int) -> Callable[[Sequence[PairRow]], dict[str, Tensor]]:
    """Return the function that makes one batch of pairs: all chosen rows, then all rejected ones.

    Shapes are (2 · pairs, longest), of `reference` (2 · pairs,).
    """
    pad = padding_collator(pad_id)

    def collate(pairs: Sequence[PairRow]) -> dict[str, Tensor]:
        rows = [pair["chosen"] for pair in pairs] + [pair["rejected"] for pair in pairs]
        reference = torch.stack([pair["reference"] for pair in pairs])
        return {**pad(rows), "reference": reference.T.reshape(-1)}

    return collate


@torch.no_grad()
def score_reference(
    model: PreTrainedModel, pairs: PairSet, *, pad_id: int, batch: int, progress: Progress
) -> None:
    """Fill `pairs.reference` by the model as it is, before any of it is trained.

    Once, not in each step: half of a step's forward passes are saved, and no second model is held.
    """
    collate = pair_collator(pad_id)
    model.train(False)
    done = 0
    with progress.stage(Message("scoring the reference"), total=len(pairs)) as stage:
        for rows in DataLoader(pairs, batch_size=batch, collate_fn=collate):
            # Without `reference` the patched model returns the sums themselves.
            inputs = {name: rows[name].to(model.device) for name in rows if name != "reference"}
            sums = model(**inputs).logits.float().cpu().reshape(2, -1).T
            pairs.reference[done : done + len(sums)] = sums
            done += len(sums)
            stage.advance(len(sums))


def _no_pairs(recipe: Recipe, counts: dict[str, int]) -> RecipeError:
    if counts["dropped"]:
        return RecipeError(
            Message(
                "no pair is left: {dropped} are longer than train.max_tokens = {limit}",
                dropped=counts["dropped"],
                limit=recipe.train.max_tokens,
            ),
            hint=Message("set train.max_tokens to what finetune check shows"),
        )
    return RecipeError(
        Message(
            "{objective} learns from pairs, and none of the {count} training "
            "{count:?row|rows} has a rejected answer",
            objective=recipe.train.objective,
            count=counts["unpaired"],
        ),
        hint=Message(
            "give rows with chosen and rejected, or what `assistant feedback` writes; to learn the "
            'answers alone write objective = "sft"'
        ),
    )
