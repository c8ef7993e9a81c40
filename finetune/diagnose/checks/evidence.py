"""What a diagnosis looks at: small values from a run's files or from a model's weights."""

import json
import sys
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from finetune.model.chat_format import chat_format
from finetune.model.samples import encode
from finetune.model.tokenization import ChatTokenizer
from finetune.recipe import FormatName, Recipe
from finetune.records import Prediction
from finetune.runs import Run
from finetune.train.log import LogEntry
from ingest.foundation.messages import NO_MESSAGE, Message

MEASURED_ROWS = 2_000
"""Training rows whose tokens are counted: enough for a share, and done in seconds."""

ROPE_KEY = ".rope.freq_base"
"""In the metadata of GGUF files, behind the architecture's name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredLengths:
    """Tokens of the training samples against the `limit`; `longest` among those left out, too."""

    samples: int
    dropped: int
    longest: int
    limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RopeBase:
    """The base of the rotary positions as a file names it, 0 where it names none.

    `served` files are those that we wrote for servers, the other is the base model's.
    """

    path: Path
    theta: float
    served: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """Whether a model computes with numbers at all.

    `broken` names the weights that hold NaN or infinity, of `weights` in all. Logits were computed
    in the precisions `tried` and were not finite in those of `overflowing`. `precision` is what
    this machine trains the recipe in. `first_token` is the text of id 0, which greedy decoding
    picks from logits that are no numbers.
    """

    weights: int
    broken: tuple[str, ...]
    tried: tuple[str, ...]
    overflowing: tuple[str, ...]
    precision: str
    first_token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FormatFit:
    """How well the model foresees the answers behind prompts of one format: nats per token.

    `format` None is the chat template of the model's own folder, and `like` the format of ours
    that has its marks.
    """

    format: FormatName | None
    nats: float
    like: FormatName | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """The median probability of the format's end token where the references end.

    `mark` is that token, `eos` the one that the model's own files end replies with.
    """

    probability: float
    mark: str
    eos: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """What a model does with held-out records; the first of `fits` is the recipe's format.

    Where the tokenizer does not know marks of the format (`unknown`), nothing was asked.
    `thoughts` is the share of the records that have a thought, `looping` of their answers that
    repeat themselves.
    """

    fits: tuple[FormatFit, ...]
    unknown: tuple[str, ...] = ()
    ending: Ending | None = None
    replies: tuple[Prediction, ...] = ()
    thoughts: float = 0.0
    looping: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelProbe:
    """What was learnt from the weights of `model`, which lie in `folder`."""

    model: str
    folder: Path
    numbers: Numbers
    behaviour: Behaviour | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """All that could be gathered.

    `finished` tells whether the training of `log` came to its end, `precision` what it computes in.
    `unprobed` says why numbers or behaviour are missing, `unlogged` why the log is, `unmeasured`
    why lengths are.
    """

    recipe: Recipe
    model: str
    log: tuple[LogEntry, ...] = ()
    finished: bool = False
    precision: str = "auto"
    lengths: MeasuredLengths | None = None
    ropes: tuple[RopeBase, ...] = ()
    numbers: Numbers | None = None
    behaviour: Behaviour | None = None
    unprobed: Message = NO_MESSAGE
    unlogged: Message = NO_MESSAGE
    unmeasured: Message = NO_MESSAGE


def measure_lengths(recipe: Recipe, run: Run, tokenizer: ChatTokenizer) -> MeasuredLengths:
    """Return how long the first training samples are, counted as training counts them.

    Raises:
        RecipeError: `prepare` has not been run.
        BaseModelError: the tokenizer does not know the format's marks.
    """
    fmt, table = chat_format(recipe.model.format), recipe.train
    samples = dropped = longest = 0
    for record in islice(run.records("train"), MEASURED_ROWS):
        kept = encode(
            record,
            fmt,
            tokenizer,
            turns=table.turns,
            max_tokens=table.max_tokens,
            over_length=table.over_length,
        )
        whole = encode(
            record, fmt, tokenizer, turns=table.turns, max_tokens=sys.maxsize, over_length="drop"
        )
        samples += len(whole.samples)
        dropped += kept.dropped
        longest = max(longest, *(len(sample.ids) for sample in whole.samples))
    return MeasuredLengths(
        samples=samples, dropped=dropped, longest=longest, limit=table.max_tokens
    )


def rope_bases(base: Path | None, run: Run) -> tuple[RopeBase, ...]:
    """Return what the base, the merged model and every export say of their positions."""
    found: list[RopeBase] = []
    if base is not None and (base / "config.json").is_file():
        found.append(_config_rope(base / "config.json", served=False))
    for folder in (run.merged, run.exports):
        found += [_config_rope(path, served=True) for path in sorted(folder.rglob("config.json"))]
    found += [_gguf_rope(path) for path in sorted(run.exports.rglob("*.gguf"))]
    return tuple(found)


def _config_rope(path: Path, *, served: bool) -> RopeBase:
    """Read config.json. Ollama's converter, unlike transformers 5, reads the outer key alone."""
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
        inner = {} if served else config.get("rope_parameters") or {}
        theta = float(config.get("rope_theta") or inner.get("rope_theta") or 0)
    except (OSError, ValueError, TypeError, AttributeError):
        theta = 0.0
    return RopeBase(path=path, theta=theta, served=served)


def _gguf_rope(path: Path) -> RopeBase:
    from gguf import GGUFReader

    try:
        fields = GGUFReader(path).fields
        bases = (one.contents() for name, one in fields.items() if name.endswith(ROPE_KEY))
        theta = float(next(bases, 0))
    except (OSError, ValueError, KeyError, IndexError):  # no GGUF, or cut short
        theta = 0.0
    return RopeBase(path=path, theta=theta)
