"""Evidence for the checks: small values from a run's files and a model's weights."""

import contextlib
import json
import sys
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from finetune.model.chat_format import chat_format
from finetune.model.samples import encode_record
from finetune.model.tokenization import ChatTokenizer
from finetune.recipe import FormatName, Recipe
from finetune.records import Prediction
from finetune.runs import Run
from finetune.train.log import LogEntry
from ingest.foundation.messages import NO_MESSAGE, Message

MEASURED_ROWS = 2_000
"""Training records whose tokens are counted: enough for a share, and counted in seconds."""

ROPE_KEY = ".rope.freq_base"
"""Metadata key in GGUF files, after the architecture's name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredLengths:
    """Lengths of the training samples in tokens; `longest` counts those left out as well."""

    samples: int
    dropped: int
    longest: int
    limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RopeBase:
    """The base of the rotary positions in a file, 0 if it names none.

    `is_export`: the file was written for servers; else it is the base model's.
    """

    path: Path
    theta: float
    is_export: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Numerics:
    """Whether weights and logits of a model are finite.

    `broken` names the weights with NaN or Inf, of `weights` in all. Logits were computed in the
    precisions `tested`, and were not finite in `overflowing`. `precision` is the one that this
    machine trains the recipe in. `first_token` is the text of id 0, which greedy decoding picks
    from logits of NaN.
    """

    weights: int
    broken: tuple[str, ...]
    tested: tuple[str, ...]
    overflowing: tuple[str, ...]
    precision: str
    first_token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FormatFit:
    """Mean loss of the answers after prompts in one format, in nats per token.

    `format` None is the chat template of the model's own folder, and `equivalent` the format of
    ours that has its marks.
    """

    format: FormatName | None
    nats: float
    equivalent: FormatName | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """The median probability of the format's end token where the references end.

    `mark` is that token, `eos` the one that the model's own files name.
    """

    probability: float
    mark: str
    eos: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """Replies and losses on held-out records; the first of `fits` is the recipe's format.

    With `unknown_marks`, those of the format that the tokenizer lacks, nothing was generated.
    `thinking_share` is the share of records with a thought, `looping_share` that of reference
    answers that loop.
    """

    fits: tuple[FormatFit, ...]
    unknown_marks: tuple[str, ...] = ()
    ending: Ending | None = None
    replies: tuple[Prediction, ...] = ()
    thinking_share: float = 0.0
    looping_share: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelProbe:
    """What the weights of `model` show; `folder` is that of its base."""

    model: str
    folder: Path
    numerics: Numerics
    behaviour: Behaviour | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Everything that could be gathered.

    `finished`: the training of `log` came to its end. `precision` is the one that it computes in.
    `no_probe_reason` says why numerics or behaviour are missing, `no_log_reason` why the log is,
    `no_lengths_reason` why lengths are.
    """

    recipe: Recipe
    model: str
    log: tuple[LogEntry, ...] = ()
    finished: bool = False
    precision: str = "auto"
    lengths: MeasuredLengths | None = None
    ropes: tuple[RopeBase, ...] = ()
    numerics: Numerics | None = None
    behaviour: Behaviour | None = None
    no_probe_reason: Message = NO_MESSAGE
    no_log_reason: Message = NO_MESSAGE
    no_lengths_reason: Message = NO_MESSAGE


def measure_lengths(recipe: Recipe, run: Run, tokenizer: ChatTokenizer) -> MeasuredLengths:
    """Return the lengths of the first training samples, counted as training counts them.

    Raises:
        RecipeError: `prepare` has not been run.
        BaseModelError: the tokenizer does not know the format's marks.
    """
    fmt, table = chat_format(recipe.model.format), recipe.train
    samples = dropped = longest = 0
    for record in islice(run.records("train"), MEASURED_ROWS):
        encoded = encode_record(
            record,
            fmt,
            tokenizer,
            turns=table.turns,
            max_tokens=table.max_tokens,
            over_length=table.over_length,
        )
        # Again without a limit: those left out count, and so does the length that they need.
        whole = encode_record(
            record, fmt, tokenizer, turns=table.turns, max_tokens=sys.maxsize, over_length="drop"
        )
        samples += len(whole.samples)
        dropped += encoded.dropped
        longest = max(longest, *(len(sample.ids) for sample in whole.samples))
    return MeasuredLengths(
        samples=samples, dropped=dropped, longest=longest, limit=table.max_tokens
    )


def read_rope_bases(base: Path | None, run: Run) -> tuple[RopeBase, ...]:
    """Return the rotary base in the files of the base, the merged model and every export."""
    found: list[RopeBase] = []
    if base is not None and (base / "config.json").is_file():
        found.append(_read_config_rope(base / "config.json", is_export=False))
    for folder in (run.merged, run.exports):
        configs = sorted(folder.rglob("config.json"))
        found += [_read_config_rope(path, is_export=True) for path in configs]
    for path in sorted(run.exports.rglob("*.gguf")):
        from gguf import GGUFReader

        theta = 0.0
        # No GGUF, or cut short: that counts as a file without a base.
        with contextlib.suppress(OSError, ValueError, KeyError, IndexError):
            fields = GGUFReader(path).fields
            bases = (one.contents() for name, one in fields.items() if name.endswith(ROPE_KEY))
            theta = float(next(bases, 0))
        found.append(RopeBase(path=path, theta=theta))
    return tuple(found)


def _read_config_rope(path: Path, *, is_export: bool) -> RopeBase:
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
        # transformers 5 writes `rope_parameters`; Ollama's converter reads the outer key alone.
        inner = {} if is_export else config.get("rope_parameters") or {}
        theta = float(config.get("rope_theta") or inner.get("rope_theta") or 0)
    except (OSError, ValueError, TypeError, AttributeError):
        theta = 0.0
    return RopeBase(path=path, theta=theta, is_export=is_export)
