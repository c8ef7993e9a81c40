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
from ingest.foundation.messages import Language, Wording


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
            Wording(f"{a} and {b} answered no record in common", f"{a} 和 {b} 没有共同的记录"),
            hint=Wording("evaluate both again", "请重新评测两个模型"),
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
            Wording(f"model {model} has not been evaluated", f"模型 {model} 还没有评测"),
            hint=Wording(
                f"run: python -m finetune evaluate RECIPE --model {model} "
                f"(there: {', '.join(known) or 'none'})",
                f"请运行：python -m finetune evaluate 配方 --model {model}"
                f"（已有：{'、'.join(known) or '无'}）",
            ),
        )
    try:
        with path.open(encoding="utf-8") as lines:  # str.splitlines would cut at U+2028, too
            return {(row := json.loads(line))["id"]: from_json(row) for line in lines}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise EvaluationError(
            Wording(f"{path} cannot be read", f"无法读取 {path}"),
            hint=Wording(
                f"run again: python -m finetune evaluate RECIPE --model {model}",
                f"请重新运行：python -m finetune evaluate 配方 --model {model}",
            ),
        ) from error


def _is_figures(path: Path) -> bool:
    return path.with_suffix(".jsonl").is_file() and not path.name.startswith("compare-")
