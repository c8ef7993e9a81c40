"""Compare two evaluated models: differences, their confidence intervals, and errors of each.

Reads the scored replies that `evaluate` wrote; no model, no torch.
"""

import json

from finetune.compare.differences import Comparison, count_errors, find_differences
from finetune.compare.html_page import comparison_page
from finetune.errors import EvaluationError
from finetune.evaluate.evaluation import model_slug
from finetune.evaluate.metrics.scored import ScoredReply, scored_from_json
from finetune.runs import Run, write_atomically
from ingest.foundation.messages import Language, Message, enumerate_names


def compare(run: Run, a: str, b: str, *, language: Language, seed: int = 0) -> Comparison:
    """Return how model b differs from model a, and write `compare-A-B.html` and .json.

    Args:
        run: The run in which both have been evaluated.
        a: The model to start from, such as "base".
        b: The model to judge, such as "adapter".
        language: Language of the page.
        seed: Seed of the bootstrap.

    Raises:
        EvaluationError: one has not been evaluated, or they answered no record in common.
    """
    first, second = (read_scored_replies(run, model) for model in (a, b))
    # Records that only one answered say nothing about the difference, and cannot be paired.
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
        differences=tuple(find_differences(pairs, seed)),
        error_counts=tuple(count_errors(pairs)),
        pairs=pairs,
        path=run.evaluation / f"compare-{model_slug(a)}-{model_slug(b)}.html",
    )
    figures = json.dumps(comparison.to_json(), ensure_ascii=False, indent=1)
    write_atomically(comparison.path.with_suffix(".json"), figures)
    write_atomically(comparison.path, comparison_page(comparison, language))
    return comparison


def read_scored_replies(run: Run, model: str) -> dict[str, ScoredReply]:
    """Return the scored replies of a model by record id."""
    path = run.evaluation / f"{model_slug(model)}.jsonl"
    if not path.is_file():
        # Figures of a model have their replies beside them; comparisons have not.
        scored_models = sorted(
            one.stem
            for one in run.evaluation.glob("*.json")
            if one.with_suffix(".jsonl").is_file() and not one.name.startswith("compare-")
        )
        raise EvaluationError(
            Message("model {model} has not been evaluated", model=model),
            hint=Message(
                "run: python -m finetune evaluate RECIPE --model {model} (there: {known})",
                model=model,
                known=enumerate_names(scored_models) if scored_models else Message("none"),
            ),
        )
    try:
        # Iterated, not `splitlines`: that also splits at U+2028, which JSON strings may hold.
        with path.open(encoding="utf-8") as lines:
            return {(row := json.loads(line))["id"]: scored_from_json(row) for line in lines}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise EvaluationError(
            Message("{path} cannot be read", path=path),
            hint=Message(
                "run again: python -m finetune evaluate RECIPE --model {model}", model=model
            ),
        ) from error
