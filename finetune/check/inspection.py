"""What the model will see, before training it costs hours: `finetune check`. No torch.

Each split is encoded as training encodes it, so that counts are exact.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from finetune.check.findings import Inspection, SampleExample, SplitCheck, TokenBin, TokenLengths
from finetune.data.splitting import hash_text, opening_question
from finetune.model.base_model import find_base_model, read_config, template_note
from finetune.model.chat_format import chat_format
from finetune.model.chat_templates import ChatFormat
from finetune.model.gguf_support import gguf_obstacle
from finetune.model.memory_estimate import MemoryEstimate, Width, estimate_memory, read_shape
from finetune.model.samples import (
    Sample,
    encode_pair,
    encode_record,
    pack_lengths,
    steps_per_epoch,
    total_steps,
)
from finetune.model.tokenization import ChatTokenizer, load_tokenizer
from finetune.progress import Progress, SilentProgress
from finetune.recipe import Recipe
from finetune.records import Record, Split
from finetune.runs import Run
from ingest.foundation.messages import Message

FEW_ROWS = 50
"""Training rows below which a model memorizes them and learns nothing general."""

TRAIN: Split = "train"

ANY_MODEL = ("hf", "vllm")
"""Targets of `export` that take a model of any kind."""

BY_GGUF = ("gguf", "ollama")
"""Those that need a GGUF file."""

UNLIMITED = 1 << 40
"""More tokens than any sample has: for lengths before anything is cut."""

BINS = 8
"""Bars of a histogram, at most."""

WIDTHS: dict[str, tuple[Width, ...]] = {
    "auto": ("16-bit", "fp32"),
    "bf16": ("16-bit",),
    "fp16": ("16-bit",),
    "fp32": ("fp32",),
}
"""Precision of a recipe -> what weights may be held in; the machine decides on auto."""


def inspect(recipe: Recipe, run: Run, *, progress: Progress | None = None) -> Inspection:
    """Return what training with this recipe would see.

    Raises:
        RecipeError: `prepare` has not been run.
        BaseModelError: the base is missing, or does not know the format's marks.
    """
    folder = find_base_model(recipe)
    fmt = chat_format(recipe.model.format)
    tokenizer = load_tokenizer(folder, fmt=fmt)
    questions: set[int] = set()
    splits = []
    held_out: tuple[Split, ...] = ("val", "test")
    present = (split for split in held_out if (run.data / f"{split}.jsonl").is_file())
    # `train` even if its file is missing, so that reading it says that `prepare` has to be run;
    # and first, since the questions of the others are looked for among its own.
    for split in (TRAIN, *present):
        with (progress or SilentProgress()).stage(
            Message("encoding {split}", split=split)
        ) as stage:
            counter = _SplitCounter(
                split=split, recipe=recipe, fmt=fmt, tokenizer=tokenizer, questions=questions
            )
            for record in run.records(split):
                counter.add(record)
                stage.advance()
        splits.append(counter.result())
    train = splits[0]
    config = read_config(folder)
    obstacle = gguf_obstacle(folder)  # said now, not after hours of training
    without_gguf = obstacle and Message(
        "GGUF and Ollama cannot have the tuned model ({obstacle}); --to vllm and --to hf can",
        obstacle=obstacle,
    )
    return Inspection(
        name=recipe.name,
        base=str(folder),
        format=fmt.name,
        max_tokens=recipe.train.max_tokens,
        splits=tuple(splits),
        steps_per_epoch=steps_per_epoch(train.rows, recipe.train),
        steps=total_steps(train.rows, recipe.train) if train.rows else 0,
        memory=memory_estimates(recipe, config, train),
        warnings=(
            *training_warnings(recipe, config, train),
            *(warning for check in splits for warning in split_warnings(recipe, check)),
        ),
        exports=ANY_MODEL if obstacle else (*ANY_MODEL, *BY_GGUF),
        notes=tuple(one for one in (template_note(folder, fmt), without_gguf) if one),
    )


@dataclass(slots=True, kw_only=True)
class _SplitCounter:
    """Adds up one split. `questions` are hashes of training's, filled by the split `train`."""

    split: Split
    recipe: Recipe
    fmt: ChatFormat
    tokenizer: ChatTokenizer
    questions: set[int]
    records: int = 0
    samples: int = 0
    dropped: int = 0
    shortened: int = 0
    thoughts: int = 0
    pairs: int = 0
    leaks: int = 0
    kept: list[int] = field(default_factory=list)
    example: SampleExample | None = None
    tokens: list[int] = field(default_factory=list)
    replies: list[int] = field(default_factory=list)

    def add(self, record: Record) -> None:
        """Count a record."""
        self.records += 1
        self.thoughts += bool(record.last.think)
        self.pairs += record.rejected is not None
        question = hash_text(opening_question(record), seed=0)
        if self.split == "train":
            self.questions.add(question)
        else:
            self.leaks += question in self.questions
        if self.recipe.train.objective != "sft" and record.rejected is None:
            return  # training leaves it out
        whole = self._encode(record, cut=False)
        self.tokens += (len(longest.ids) for _, longest in whole)
        self.replies += (len(longest.ids) - longest.prompt_tokens for _, longest in whole)
        limit = self.recipe.train.max_tokens
        kept_samples = whole
        # Encoded a second time only if something is too long, which is hardly ever the case.
        if any(len(longest.ids) > limit for _, longest in whole):
            kept_samples = self._encode(record, cut=True)
        self.samples += len(kept_samples)
        self.kept += (len(one.ids) for _, one in kept_samples)
        if kept_samples and not self.example:
            sample, _ = kept_samples[-1]
            # Decoded from the ids, not taken from the record: what is shown is what is trained on.
            self.example = SampleExample(
                record=sample.record,
                prompt=self.tokenizer.decode(sample.ids[: sample.prompt_tokens]),
                target=self.tokenizer.decode(sample.ids[sample.prompt_tokens :]),
                prompt_tokens=sample.prompt_tokens,
                target_tokens=len(sample.ids) - sample.prompt_tokens,
            )

    def result(self) -> SplitCheck:
        """Return the sums."""
        limit = self.recipe.evaluate.max_new_tokens
        table = self.recipe.train
        rows, longest = len(self.kept), max(self.kept, default=0)
        if table.packing and self.split == "train":
            rows, longest = len(pack_lengths(self.kept, table.max_tokens)), table.max_tokens
        return SplitCheck(
            split=self.split,
            records=self.records,
            samples=self.samples,
            dropped=self.dropped,
            shortened=self.shortened,
            thoughts=self.thoughts,
            pairs=self.pairs,
            leaks=self.leaks,
            rows=rows,
            longest_kept=longest,
            tokens=measure_token_lengths(self.tokens),
            replies=measure_token_lengths(self.replies),
            long_replies=sum(tokens > limit for tokens in self.replies),
            example=self.example,
        )

    def _encode(self, record: Record, *, cut: bool) -> Sequence[tuple[Sample, Sample]]:
        """Return each sample to show, with the one whose length counts: of a pair the longer."""
        table = self.recipe.train
        if table.objective != "sft":
            pair = encode_pair(
                record,
                self.fmt,
                self.tokenizer,
                max_tokens=table.max_tokens if cut else UNLIMITED,
                over_length=table.over_length if cut else "drop",
            )
            self.dropped += pair is None
            return ((pair[0], max(pair, key=lambda one: len(one.ids))),) if pair else ()
        encoded = encode_record(
            record,
            self.fmt,
            self.tokenizer,
            turns=table.turns,
            max_tokens=table.max_tokens if cut else UNLIMITED,
            over_length=table.over_length if cut else "drop",
        )
        self.dropped += encoded.dropped
        self.shortened += encoded.shortened
        return [(sample, sample) for sample in encoded.samples]


def measure_token_lengths(tokens: Sequence[int]) -> TokenLengths | None:
    """Return the distribution of samples' lengths in tokens, None if there are none."""
    if not tokens:
        return None
    counted = np.asarray(tokens)
    shortest, longest = int(counted.min()), int(counted.max())
    step = -(-(longest - shortest + 1) // BINS)  # rounded up, so that BINS of them reach it
    counts = np.bincount((counted - shortest) // step)
    return TokenLengths(
        shortest=shortest,
        median=int(np.median(counted)),
        p95=int(np.percentile(counted, 95)),
        longest=longest,
        bins=tuple(
            TokenBin(least=shortest + at * step, below=shortest + (at + 1) * step, count=int(count))
            for at, count in enumerate(counts)
        ),
    )


def memory_estimates(
    recipe: Recipe, config: Mapping[str, Any], train: SplitCheck
) -> tuple[MemoryEstimate, ...]:
    """Return an estimate for each width that weights may have; none for an unknown model."""
    shape = read_shape(config)
    if shape is None or train.replies is None:
        return ()
    # The longest reply may be one of a sample that is dropped.
    targets = min(train.replies.longest, train.longest_kept)
    return tuple(
        estimate_memory(
            shape, recipe.train, width=width, longest=train.longest_kept, targets=targets
        )
        for width in WIDTHS[recipe.train.precision]
    )


def training_warnings(
    recipe: Recipe, config: Mapping[str, Any], train: SplitCheck
) -> Iterator[Message]:
    """Yield what would make a training worse, each with what to do about it."""
    fmt = chat_format(recipe.model.format)
    if train.records < FEW_ROWS:
        yield Message(
            "only {records} training {records:?row|rows}: under {few_rows} are learnt by "
            "heart, not from",
            records=train.records,
            few_rows=FEW_ROWS,
        )
    yield from _pair_warnings(recipe.train.objective, train)
    if fmt.thinks and train.records and not train.thoughts:
        yield Message(
            "no training row has a thought: {name} will learn not to think; to train answers "
            'alone write format = "{direct}"',
            name=fmt.name,
            direct=fmt.name.replace("think", "direct"),
        )
    if train.thoughts and not fmt.thinks:
        yield Message(
            "{thoughts} training {thoughts:?row has|rows have} a thought, which {name} leaves out",
            thoughts=train.thoughts,
            name=fmt.name,
        )
    # Its activations reach beyond 65,504, where fp16 ends; the weights alone would fit.
    if recipe.train.precision == "fp16" and config.get("model_type") == "gemma3_text":
        yield Message('Gemma 3 overflows in fp16: write precision = "bf16" or "fp32"')
    # Positions beyond the window were never trained, so that the base fails there.
    window = config.get("max_position_embeddings")
    if isinstance(window, int) and train.longest_kept > window:
        yield Message(
            "samples of {longest_kept} tokens are longer than the base's window of {window}: "
            "set train.max_tokens = {window}",
            longest_kept=train.longest_kept,
            window=window,
        )


def _pair_warnings(objective: str, train: SplitCheck) -> Iterator[Message]:
    """Yield which rows an objective does not use, or not whole."""
    if objective != "sft" and train.pairs < train.records:
        yield Message(
            "{objective} learns from pairs: {unpaired} of {records} training "
            "{records:?row|rows} {unpaired:?has|have} no rejected answer and "
            "{unpaired:?is|are} left out",
            objective=objective,
            unpaired=train.records - train.pairs,
            records=train.records,
        )
    if objective == "sft" and train.pairs:
        yield Message(
            "{pairs} training {pairs:?row has|rows have} a rejected answer, which sft "
            'does not use: dpo and orpo do (method = "dpo")',
            pairs=train.pairs,
        )


def split_warnings(recipe: Recipe, check: SplitCheck) -> Iterator[Message]:
    """Yield what is wrong with the lengths or the questions of one split."""
    limit = recipe.train.max_tokens
    lost = Message("")
    if check.split == "train" and not check.samples:
        lost = Message("nothing is left to train on: ")
    if check.tokens and check.dropped:
        total = check.dropped + check.samples
        yield Message(
            "{split}: {lost}{dropped} of {total} {total:?sample is|samples are} dropped, "
            "longer than train.max_tokens = {limit}; the longest has {longest}",
            split=check.split,
            lost=lost,
            dropped=check.dropped,
            total=total,
            limit=limit,
            longest=check.tokens.longest,
        )
    cap = recipe.evaluate.max_new_tokens
    if check.replies and check.long_replies and check.split == recipe.evaluate.split:
        yield Message(
            "{split}: {long_replies} {long_replies:?reply is|replies are} longer than "
            "evaluate.max_new_tokens = {cap} and would be cut; the longest has {longest}",
            split=check.split,
            long_replies=check.long_replies,
            cap=cap,
            longest=check.replies.longest,
        )
    if check.leaks:
        yield Message(
            "{leaks} of {records} {records:?question|questions} in {split} "
            "{leaks:?is|are} asked in train, too: its figures will flatter; prepare again",
            leaks=check.leaks,
            records=check.records,
            split=check.split,
        )
