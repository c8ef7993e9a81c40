"""What a check of the training data found, as values, as JSON, and as text for a terminal."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from finetune.model.memory_estimate import Memory
from finetune.records import Split
from ingest.foundation.messages import Language, Message, plain

MEBIBYTE = 1 << 20

GIBIBYTE = 1 << 30

BAR = 40
"""Characters of the longest bar."""

SHOWN = 1_200
"""Characters shown of a prompt or a reply; the middle of a longer one is left out."""

MARKS = ("⟦", "⟧")
PAINT = ("\x1b[30;42m", "\x1b[0m")  # black on green
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
    """One sample as it is trained on: what is read, and what is learnt."""

    record: str
    prompt: str
    target: str
    prompt_tokens: int
    target_tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitCheck:
    """One split: `records` become `samples`, the rest being `dropped` for their length.

    `tokens` counts whole samples before any is shortened, `replies` what is learnt of them.
    `thoughts` is how many records end with a thought, `leaks` how many ask what training asks.
    """

    split: Split
    records: int
    samples: int
    dropped: int
    shortened: int
    thoughts: int
    leaks: int
    longest_kept: int
    tokens: TokenLengths | None
    replies: TokenLengths | None
    long_replies: int
    example: SampleExample | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """The whole check. `memory` is empty for a kind of model whose sizes we cannot read."""

    name: str
    base: str
    format: str
    max_tokens: int
    splits: tuple[SplitCheck, ...]
    steps_per_epoch: int
    steps: int
    memory: tuple[Memory, ...]
    warnings: tuple[Message, ...]
    notes: tuple[Message, ...]

    def to_json(self) -> dict[str, Any]:
        """Return everything as JSON knows it."""
        told: dict[str, Any] = plain(asdict(self))
        for one, memory in zip(told["memory"], self.memory, strict=True):
            one["total"] = memory.total
        return told

    def to_text(self, language: Language, *, colour: bool = False) -> str:
        """Return it for a terminal; what is trained is painted, or stands between ⟦ and ⟧."""
        return "\n".join(_text(self, language, colour))


def _text(told: Inspection, language: Language, colour: bool) -> Iterator[str]:
    """Yield the lines."""
    yield f"{told.name} · {told.format} · {told.base}"
    for check in told.splits:
        yield ""
        yield from _split(check, language, colour)
    yield ""
    yield Message(
        "steps: {steps_per_epoch} an epoch, {steps} in all",
        steps_per_epoch=told.steps_per_epoch,
        steps=told.steps,
    ).localize(language)
    yield from (_memory(memory, language) for memory in told.memory)
    for warning in told.warnings:
        yield Message("warning: ").localize(language) + warning.localize(language)
    for note in told.notes:
        yield Message("note: ").localize(language) + note.localize(language)


def _split(check: SplitCheck, language: Language, colour: bool) -> Iterator[str]:
    yield Message(
        "{split}: {records} records, {samples} samples, {dropped} dropped, {shortened} shortened",
        split=check.split,
        records=check.records,
        samples=check.samples,
        dropped=check.dropped,
        shortened=check.shortened,
    ).localize(language)
    if check.tokens and check.replies:
        yield Message("  tokens of a sample: ").localize(language) + _lengths(
            check.tokens, language
        )
        yield Message("  tokens of a reply:  ").localize(language) + _lengths(
            check.replies, language
        )
        yield from _histogram(check.tokens)
    if check.example:
        yield from _example(check.example, language, colour)


def _lengths(lengths: TokenLengths, language: Language) -> str:
    return Message(
        "shortest {shortest}, median {median}, 95% up to {p95}, longest {longest}",
        shortest=lengths.shortest,
        median=lengths.median,
        p95=lengths.p95,
        longest=lengths.longest,
    ).localize(language)


def _histogram(lengths: TokenLengths) -> Iterator[str]:
    most = max(one.count for one in lengths.bins)
    width = len(str(lengths.bins[-1].below - 1))
    for one in lengths.bins:
        bar = "█" * -(-one.count * BAR // most)
        yield f"  {one.least:>{width}}–{one.below - 1:>{width}} {bar} {one.count}"


def _example(example: SampleExample, language: Language, colour: bool) -> Iterator[str]:
    yield Message(
        "  sample {record}: {prompt_tokens} tokens read, {target_tokens} trained",
        record=example.record,
        prompt_tokens=example.prompt_tokens,
        target_tokens=example.target_tokens,
    ).localize(language)
    read, trained = _shown(example.prompt), _shown(example.target)
    if not colour:
        yield f"{read}{MARKS[0]}{trained}{MARKS[1]}"
        return
    # A line break would end the paint in some pagers and stretch it over the line in others.
    painted = "\n".join(f"{PAINT[0]}{line}{PAINT[1]}" for line in trained.split("\n"))
    faint = "\n".join(f"{FAINT[0]}{line}{FAINT[1]}" for line in read.split("\n"))
    yield faint + painted


def _shown(text: str) -> str:
    """Return text that a terminal can show: no control characters, the middle of a long one cut."""
    if len(text) > SHOWN:
        half = SHOWN // 2
        text = f"{text[:half]} […{len(text) - SHOWN}…] {text[-half:]}"
    return "".join(one if one.isprintable() or one == "\n" else ascii(one)[1:-1] for one in text)


def _memory(memory: Memory, language: Language) -> str:
    parts = Message(
        "weights {weights}, optimiser {trained}, activations {activations}, logits {logits}; "
        "{trainable:,} of {parameters:,} weights are trained",
        weights=_size(memory.weights),
        trained=_size(memory.trained),
        activations=_size(memory.activations),
        logits=_size(memory.logits),
        trainable=memory.trainable,
        parameters=memory.parameters,
    )
    head = Message("memory in {width}: about {size}", width=memory.width, size=_size(memory.total))
    joint = Message("{head} ({parts})", head=head, parts=parts)
    return joint.localize(language)


def _size(count: int) -> str:
    if count < GIBIBYTE:
        return f"{count / MEBIBYTE:.1f} MiB"
    return f"{count / GIBIBYTE:.1f} GiB"
