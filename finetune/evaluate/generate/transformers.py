"""Models in this process, by transformers: base, base with adapter, or merged."""

import time
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional as F  # noqa: N812  torch's own name for it
from transformers import GenerationConfig

from finetune.errors import EvaluationError
from finetune.evaluate.generate.base import reply_stage
from finetune.evaluate.metrics.likelihood import TargetLoss
from finetune.model.chat_format import chat_format, split_reply
from finetune.model.samples import IGNORED, encode_prompt, encode_record
from finetune.progress import Progress
from finetune.recipe import Recipe
from finetune.records import Prediction, Record
from finetune.runs import Run, digest_of
from finetune.train.adapters import fingerprint, is_full_model, load_for_inference
from finetune.train.hardware import Hardware
from finetune.train.model import LoadedModel
from ingest.foundation.messages import Message

PERPLEXITY = Message("perplexity")


class TransformersGenerator:
    """Replies in batches, the longest prompts first: a lack of memory shows at once."""

    def __init__(self, loaded: LoadedModel, recipe: Recipe, *, name: str, identity: str) -> None:
        self.name = name
        self.identity = identity
        loaded.model.train(False)  # no dropout
        self._model: Any = loaded.model
        self._tokenizer = loaded.tokenizer
        self._recipe = recipe
        self._settings = recipe.evaluate
        self._fmt = chat_format(recipe.model.format)
        self._tokenizer.require(self._fmt)
        # A base's own end of text may differ from the end of a turn that the format trains.
        self._end_ids = {self._tokenizer.eos_id, self._tokenizer.control(self._fmt.eos)}
        generation: dict[str, Any] = {
            "max_new_tokens": self._settings.max_new_tokens,
            "eos_token_id": sorted(self._end_ids),
            "pad_token_id": self._tokenizer.pad_id,
        }
        if temperature := self._settings.temperature:
            generation |= {"do_sample": True, "temperature": temperature, "top_k": 0}
        # Not the model folder's own, which adds its publisher's sampling.
        self._generation = GenerationConfig.from_dict(generation)

    def generate(self, records: Sequence[Record], *, progress: Progress) -> Iterator[Prediction]:
        """Yield one reply for each record, the longest prompts first.

        Raises:
            EvaluationError: memory does not do, or the model's outputs are NaN.
        """
        prompts = {
            record.id: encode_prompt(record, self._fmt, self._tokenizer) for record in records
        }
        order = sorted(prompts, key=lambda name: -len(prompts[name]))
        with reply_stage(progress, self.name, len(records)) as stage:
            for start in range(0, len(order), self._settings.batch):
                names = order[start : start + self._settings.batch]
                begun = time.perf_counter()
                replies = self._generate_batch([prompts[name] for name in names])
                seconds = (time.perf_counter() - begun) / len(names)
                for name, ids in zip(names, replies, strict=True):
                    yield self._prediction(name, ids, seconds)
                stage.advance(len(names))

    def target_losses(
        self, records: Sequence[Record], *, progress: Progress
    ) -> Iterator[TargetLoss]:
        """Yield the summed cross-entropy of each record's last reply, EOS with it."""
        with progress.stage(PERPLEXITY, total=len(records)) as stage:
            for record in records:
                encoded = encode_record(
                    record,
                    self._fmt,
                    self._tokenizer,
                    turns="last",
                    max_tokens=self._recipe.train.max_tokens,
                    over_length="shorten",
                )
                for sample in encoded.samples:
                    # They are the last of the sample's ids.
                    targets = [label for label in sample.labels if label != IGNORED]
                    with torch.inference_mode():
                        # Logits of the targets alone: (tokens, vocabulary) of a whole text takes
                        # gigabytes.
                        logits = self._model(
                            input_ids=torch.tensor([sample.ids], device=self._model.device),
                            logits_to_keep=len(targets) + 1,
                        ).logits[0, :-1]
                        target_ids = torch.tensor(targets, device=self._model.device)
                        nats = float(F.cross_entropy(logits.float(), target_ids, reduction="sum"))
                    yield TargetLoss(
                        id=record.id,
                        nats=nats,
                        tokens=len(targets),
                        bytes=len(self._tokenizer.decode(targets, controls=False).encode()),
                    )
                stage.advance()

    def _generate_batch(self, prompts: Sequence[list[int]]) -> list[list[int]]:
        """Return the ids of each reply, padding behind its end with it."""
        # Padding stands left: right of a prompt, the reply would begin behind it.
        longest = max(map(len, prompts))
        padding = [longest - len(prompt) for prompt in prompts]
        pad_id = self._tokenizer.pad_id
        rows = [[pad_id] * count + ids for count, ids in zip(padding, prompts, strict=True)]
        mask = [[0] * count + [1] * (longest - count) for count in padding]
        # By batch: the same one samples the same replies, whatever was generated before it.
        torch.manual_seed(self._recipe.seed + zlib.crc32(repr(prompts).encode()))
        device = self._model.device
        try:
            with torch.inference_mode():
                output = self._model.generate(
                    input_ids=torch.tensor(rows, device=device),  # (batch, longest)
                    attention_mask=torch.tensor(mask, device=device),
                    generation_config=self._generation,
                )
        except torch.OutOfMemoryError as error:
            smaller = max(1, len(prompts) // 2)
            raise EvaluationError(
                Message(
                    "not enough memory for {batch} {batch:?reply|replies} at once",
                    batch=len(prompts),
                ),
                hint=Message(
                    "add --set evaluate.batch={smaller}; replies that came are kept",
                    smaller=smaller,
                ),
            ) from error
        except RuntimeError as error:
            # So says torch when it samples from NaN; it has no error type of its own for that.
            if "probability tensor" not in str(error):
                raise
            raise EvaluationError(
                Message(
                    "model {name}: its outputs are not numbers (NaN), so nothing can be sampled",
                    name=self.name,
                ),
                hint=Message("find the cause: python -m finetune diagnose RECIPE"),
            ) from error
        replies: list[list[int]] = output[:, longest:].tolist()
        return replies

    def _prediction(self, name: str, ids: Sequence[int], seconds: float) -> Prediction:
        end = next((place for place, one in enumerate(ids) if one in self._end_ids), None)
        reply_ids = ids[:end]
        text = self._tokenizer.decode(reply_ids)
        think, answer = split_reply(self._fmt, text, cut_short=end is None)
        # The prompt held the opening of the thought; in `text` a whole one is wanted.
        opening = self._fmt.opening if self._fmt.thinks else ""
        return Prediction(
            id=name,
            text=opening + text,
            think=think,
            answer=answer,
            stopped=end is not None,
            seconds=round(seconds, 4),
            tokens=len(reply_ids),
        )


def open_model(recipe: Recipe, run: Run, name: str, *, hardware: Hardware) -> TransformersGenerator:
    """Return the model that `name` means in this run: base, adapter or merged.

    It is loaded in the precision that this machine computes fast, whatever training uses.

    Raises:
        BaseModelError: it is missing, broken, or its adapter is of another base.
        EvaluationError: it has not been made yet.
    """
    if name == "adapter":
        _need(run.adapter, "train")
    if name == "merged":
        _need(run.merged, "merge")
    folder = {"adapter": run.adapter, "merged": run.merged}.get(name)
    loaded = load_for_inference(recipe, folder, hardware=hardware)
    prints = [fingerprint(loaded.folder)]
    if folder is not None and not is_full_model(folder):
        prints.append(fingerprint(folder))
    identity = digest_of(*prints, loaded.precision)
    return TransformersGenerator(loaded, recipe, name=name, identity=identity)


def _need(folder: Path, command: str) -> None:
    if not folder.is_dir():
        raise EvaluationError(
            Message("there is no {folder}", folder=folder),
            hint=Message("run first: python -m finetune {command} RECIPE", command=command),
        )
