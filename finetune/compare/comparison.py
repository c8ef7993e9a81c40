"""Two evaluated models side by side: what differs, how sure that is, and what each does wrong.

Reads the scored replies that `evaluate` wrote; no model, no torch.
"""

import json
from pathlib import Path

from finetune.compare.differences import Comparison, differences, fault_counts
from finetune.compare.html_page import comparison_page
from finetune.errors import EvaluationError
from finetune.evaluate.evaluation import slug_of
from finetune.evaluate.metrics.scored import Scored, from_json
from finetune.runs import Run, write_whole
from ingest.foundation.messages import Language, Message, enumerate_names


def compare(run: Run, a: str, b: str, *, language: Language, seed: int = 0) -> Comparison:
    """Return what sets model b apart from model a, and write `compare-A-B.html` and .json.

    Args:
        run: Where both have been evaluated.
        a: The one to start from, such as "base".
        b: The one to judge, such as "adapter".
        language: Of the page.
        seed: Of the bootstrap.

    Raises:
        EvaluationError: one has not been evaluated, or they answered no record in common.
    """
    first, second = (_replies(run, model) for model in (a, b))
    pairs = tuple((first[name], second[name]) for name in first if name in second)
    if not pairs:
        raise EvaluationError(
            Message("{a} and {b} answered no record in common", a=a, b=b),
            hint=Message("evaluate both again"),
        )
    comparison = Comparison(
        a=a,
        b=b,
        records=len(pairs),
        only_one=len(first.keys() ^ second.keys()),
        differences=tuple(differences(pairs, seed)),
        faults=tuple(fault_counts(pairs)),
        pairs=pairs,
        path=run.evaluation / f"compare-{slug_of(a)}-{slug_of(b)}.html",
    )
    told = json.dumps(comparison.to_json(), ensure_ascii=False, indent=1)
    write_whole(comparison.path.with_suffix(".json"), told)
    write_whole(comparison.path, comparison_page(comparison, language))
    return comparison


def _replies(run: Run, model: str) -> dict[str, Scored]:
    path = run.evaluation / f"{slug_of(model)}.jsonl"
    if not path.is_file():
        known = sorted(one.stem for one in run.evaluation.glob("*.json") if _is_figures(one))
        raise EvaluationError(
            Message("model {model} has not been evaluated", model=model),
            hint=Message(
                "run: python -m finetune evaluate RECIPE --model {model} (there: {known})",
                model=model,
                known=enumerate_names(known) if known else Message("none"),
            ),
        )
    try:
        with path.open(encoding="utf-8") as lines:  # str.splitlines would cut at U+2028, too
            return {(row := json.loads(line))["id"]: from_json(row) for line in lines}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise EvaluationError(
            Message("{path} cannot be read", path=path),
            hint=Message(
                "run again: python -m finetune evaluate RECIPE --model {model}", model=model
            ),
        ) from error


def _is_figures(path: Path) -> bool:
    return path.with_suffix(".jsonl").is_file() and not path.name.startswith("compare-")
