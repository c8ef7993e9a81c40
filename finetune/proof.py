"""Whether a tuned model is better than its base through the assistant: asked, decided, kept.

`export --activate` and `improve` put no model into use without it.
"""

from collections.abc import Sequence

from assistant.evaluation.figures import measure
from assistant.evaluation.results import EvaluationRun
from finetune.errors import ExportError
from finetune.pipeline import (
    ADAPTER,
    BASE,
    MERGE,
    MERGED,
    PREPARE,
    TRAIN,
    Figures,
    Pipeline,
    Step,
)
from finetune.rag_evaluation.gate import GateDecision, decide_replacement
from finetune.rag_evaluation.other_texts import is_on_other_texts, other_row_files
from finetune.rag_evaluation.product import evaluate_with_passages, read_passages_run
from finetune.rag_evaluation.product_figures import PRODUCT_FIGURES
from finetune.runs import digest_of
from ingest.foundation.messages import LIST_COMMA, Message, join_messages

GATE = "gate"
"""Key of the decision in state.json."""


def ask_with_passages(
    pipeline: Pipeline, model: str, collections: Sequence[str] = ()
) -> EvaluationRun:
    """Ask the held-out questions through the assistant, from `collections` of its index.

    Raises:
        RecipeError: the model has not been made yet.
        EvaluationError: it cannot be asked, or the index is empty.
    """
    pipeline.run_step(passages_step(model, collections))
    return read_passages_run(pipeline.run, model)


def decide_gate(pipeline: Pipeline, a: str, b: str) -> GateDecision:
    """Return whether `b` may take the place of `a` in the assistant, and keep the decision.

    Raises:
        RecipeError, EvaluationError: one has not been asked with passages as it is now.
    """
    pipeline.require_finished([passages_step(model) for model in (a, b)])
    decision = decide_replacement(*(read_passages_run(pipeline.run, model) for model in (a, b)))
    with pipeline.run.step(GATE, _gate_digest(pipeline, a, b)) as figures:
        figures.update({"a": a, "b": b, **decision.to_json()})
    return decision


def require_proof(pipeline: Pipeline) -> None:
    """Return if the tuned model was found better than its base through the assistant.

    Raises:
        ExportError: it was not, or what was found is not of these weights and data.
    """
    gate = pipeline.run.figures(GATE)
    if gate and pipeline.run.is_finished(GATE, _gate_digest(pipeline, gate["a"], gate["b"])):
        # Of two models of others, or of the base, nothing follows about this one.
        if gate["passed"] and gate["a"] == BASE and is_ours(pipeline, gate["b"]):
            return
        stated = [Message.verbatim(one[pipeline.language]) for one in gate["reasons"]]
        reasons = join_messages(stated, LIST_COMMA)
        raise ExportError(
            Message("not activated: {reasons}", reasons=reasons)
            if stated
            else Message("not activated: {a} and {b} were compared", a=gate["a"], b=gate["b"]),
            hint=Message("to activate it anyway, add --unproven"),
        )
    raise ExportError(
        Message("not activated: nothing shows that it answers better than its base"),
        hint=Message(
            "run: python -m finetune evaluate RECIPE --with passages --model base, the same with "
            "--model adapter, and python -m finetune compare RECIPE base adapter --with passages; "
            "to activate it anyway, add --unproven"
        ),
    )


def is_ours(pipeline: Pipeline, model: str) -> bool:
    """Return whether a model's name means what this run has made."""
    exported = pipeline.run.figures("export-ollama").get("model")
    return model in (ADAPTER, MERGED) or (bool(exported) and model == f"ollama:{exported}")


def passages_step(model: str, collections: Sequence[str] = ()) -> Step:
    """Return the step that asks `model` through the assistant."""

    def work(pipeline: Pipeline) -> Figures:
        """Ask what was not asked yet, and return the figures."""
        done = evaluate_with_passages(
            pipeline.recipe,
            pipeline.run,
            model,
            digest=passages_digest(pipeline, model),
            language=pipeline.language,
            progress=pipeline.progress,
            collections=collections,
            force=pipeline.force,
        )
        own = [one for one in done.results if not is_on_other_texts(one)]
        figures = {one.figure.name: one.to_json() for one in measure(own, PRODUCT_FIGURES)}
        return {"model": model, "records": len(own), "figures": figures}

    needs = {ADAPTER: (PREPARE, TRAIN), MERGED: (PREPARE, TRAIN, MERGE)}
    return Step(
        name=f"passages-{model}",
        needs=needs.get(model, (PREPARE,)),
        digest=lambda pipeline: passages_digest(pipeline, model),
        work=work,
        # The index may have changed; answers from what it holds now are kept.
        always=True,
    )


def passages_digest(pipeline: Pipeline, model: str) -> str:
    """Return the digest of all that a model's answers through the assistant depend on."""
    exported = pipeline.run.figures("export-ollama")
    others = other_row_files(pipeline.recipe)
    # What a server has of ours changes with our weights, though its name stays.
    if model == f"ollama:{exported.get('model')}":
        return digest_of(pipeline.evaluation_digest(MERGED), exported.get("finished"), *others)
    return digest_of(pipeline.evaluation_digest(model), *others)


def _gate_digest(pipeline: Pipeline, a: str, b: str) -> str:
    run = pipeline.run
    return digest_of(
        [(passages_digest(pipeline, one), run.finished_at(f"passages-{one}")) for one in (a, b)]
    )
