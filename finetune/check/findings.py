"""The findings of `finetune check`, as values, as JSON, and as text for a terminal."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from finetune.model.memory_estimate import MemoryEstimate
from finetune.records import Split
from ingest.foundation.messages import Language, Message, plain

MEBIBYTE = 1 << 20
GIBIBYTE = 1 << 30

BAR = 40
"""Characters of the longest bar."""

SHOWN = 1_200
"""Characters shown of a prompt or a reply; the middle of a longer one is left out."""

MARKS = ("⟦", "⟧")
"""Around what is trained, where there are no colours; hardly any text of people holds them."""

PAINT = ("\x1b[30;42m", "\x1b[0m")
"""Black on green, and back: readable on dark and on light terminals."""

FAINT = ("\x1b[2m", "\x1b[0m")


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenBin:
    """How many samples have at least `least` and fewer than `below` tokens."""

    least: int
    below: int
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenLengths:
    """How long samples are, in tokens."""

    shortest: int
    median: int
    p95: int
    longest: int
    bins: tuple[TokenBin, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleExample:
    """One sample as it is trained on: `target` comes behind `prompt`; `record` is its id."""

    record: str
    prompt: str
    target: str
    prompt_tokens: int
    target_tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitCheck:
    """One split: `records` become `samples`, the rest being `dropped` for their length.

    `tokens` counts whole samples before any is shortened, `replies` what is trained on, and
    `long_replies` is how many of them evaluation would cut. `thoughts` is how many records end with
    a thought, `pairs` how many have a rejected reply as well, `leaks` how many have
    a question of the training split. `rows` is what a batch counts: samples, or rows of several
    where they are packed. `longest_kept` of them is in tokens.
    """

    split: Split
    records: int
    samples: int
    dropped: int
    shortened: int
    thoughts: int
    pairs: int
    leaks: int
    rows: int
    longest_kept: int
    tokens: TokenLengths | None
    replies: TokenLengths | None
    long_replies: int
    example: SampleExample | None

    def to_lines(self, language: Language, *, colour: bool) -> Iterator[str]:
        """Yield lines for a terminal, with a histogram and a sample, whose lines may be several."""
        yield Message(
            "{split}: {records} {records:?record|records}, {samples} "
            "{samples:?sample|samples}, {dropped} dropped, {shortened} shortened",
            split=self.split,
            records=self.records,
            samples=self.samples,
            dropped=self.dropped,
            shortened=self.shortened,
        ).localize(language)
        if self.tokens and self.replies:
            for head, lengths in (
                (Message("  tokens of a sample: "), self.tokens),
                (Message("  tokens of a reply:  "), self.replies),
            ):
                summary = Message(
                    "shortest {shortest}, median {median}, 95% up to {p95}, longest {longest}",
                    shortest=lengths.shortest,
                    median=lengths.median,
                    p95=lengths.p95,
                    longest=lengths.longest,
                )
                yield head.localize(language) + summary.localize(language)
            bins = self.tokens.bins
            most = max(one.count for one in bins)
            width = len(str(bins[-1].below - 1))
            for one in bins:
                bar = "█" * -(-one.count * BAR // most)  # rounded up: one sample is a bar, too
                yield f"  {one.least:>{width}}–{one.below - 1:>{width}} {bar} {one.count}"
        if not self.example:
            return
        yield Message(
            "  sample {record}: {prompt_tokens} {prompt_tokens:?token|tokens} read, "
            "{target_tokens} trained",
            record=self.example.record,
            prompt_tokens=self.example.prompt_tokens,
            target_tokens=self.example.target_tokens,
        ).localize(language)
        read, trained = _printable(self.example.prompt), _printable(self.example.target)
        if colour:
            # Line by line: a line break ends the colour in some pagers, and in others stretches it
            # over the rest of the line.
            trained = "\n".join(f"{PAINT[0]}{line}{PAINT[1]}" for line in trained.split("\n"))
            read = "\n".join(f"{FAINT[0]}{line}{FAINT[1]}" for line in read.split("\n"))
            yield read + trained
        else:
            yield f"{read}{MARKS[0]}{trained}{MARKS[1]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """The whole check. `memory` is empty for a kind of model whose sizes cannot be read.

    `exports` are the targets of `export` that a model tuned from this base can go to.
    """

    name: str
    base: str
    format: str
    max_tokens: int
    splits: tuple[SplitCheck, ...]
    steps_per_epoch: int
    steps: int
    memory: tuple[MemoryEstimate, ...]
    warnings: tuple[Message, ...]
    exports: tuple[str, ...]
    notes: tuple[Message, ...]

    def to_json(self) -> dict[str, Any]:
        """Return everything as JSON knows it."""
        tables: dict[str, Any] = plain(asdict(self))
        for one, memory in zip(tables["memory"], self.memory, strict=True):
            one["total"] = memory.total  # a property, which `asdict` leaves out
        return tables

    def to_text(self, language: Language, *, colour: bool = False) -> str:
        """Return it for a terminal; what is trained is coloured, or is between ⟦ and ⟧."""
        lines = [f"{self.name} · {self.format} · {self.base}"]
        for check in self.splits:
            lines += ["", *check.to_lines(language, colour=colour)]
        steps = Message(
            "steps: {steps_per_epoch} an epoch, {steps} in all",
            steps_per_epoch=self.steps_per_epoch,
            steps=self.steps,
        )
        lines += ["", steps.localize(language)]
        for memory in self.memory:
            size = _size_text(memory.total)
            head = Message("memory in {width}: about {size}", width=memory.width, size=size)
            parts = Message(
                "weights {weights}, optimiser {trained}, activations {activations}, "
                "logits {logits}; {trainable:,} of {parameters:,} weights are trained",
                weights=_size_text(memory.weights),
                trained=_size_text(memory.trained),
                activations=_size_text(memory.activations),
                logits=_size_text(memory.logits),
                trainable=memory.trainable,
                parameters=memory.parameters,
            )
            lines.append(Message("{head} ({parts})", head=head, parts=parts).localize(language))
        able = Message("can be exported to: {exports}", exports=", ".join(self.exports))
        lines.append(able.localize(language))
        for head, messages in (
            (Message("warning: "), self.warnings),
            (Message("note: "), self.notes),
        ):
            lines += [head.localize(language) + one.localize(language) for one in messages]
        return "\n".join(lines)


def _printable(text: str) -> str:
    """Return text that a terminal can show, the middle of a long one left out."""
    if len(text) > SHOWN:
        half = SHOWN // 2
        text = f"{text[:half]} […{len(text) - SHOWN}…] {text[-half:]}"
    # An escape sequence in a row of data would be carried out by the terminal.
    return "".join(one if one.isprintable() or one == "\n" else ascii(one)[1:-1] for one in text)


def _size_text(count: int) -> str:
    if count < GIBIBYTE:
        return f"{count / MEBIBYTE:.1f} MiB"
    return f"{count / GIBIBYTE:.1f} GiB"
