"""Held-out questions asked through the assistant: its retrieval, its prompt, its checks.

What is measured is what people will get: the same code answers, with the model under test behind a
server on loopback, or on the server where it is.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from assistant import Assistant, Question, Settings, load_settings, open_assistant
from assistant.bootstrap import open_replay
from assistant.errors import EvaluationFileError, ModelError
from assistant.evaluation.asking import ask_questions
from assistant.evaluation.results import (
    EvaluationRun,
    QuestionResult,
    RunFile,
    RunHeader,
    header_differences,
    read_run,
)
from assistant.events import AnswerEvent
from assistant.models.base import size_of_model
from assistant.replay import Replay
from assistant.snapshots.snapshot import ModelSnapshot, Snapshot
from finetune.errors import EvaluationError
from finetune.evaluate.evaluation import IN_PROCESS, model_slug
from finetune.evaluate.generate.base import reply_stage
from finetune.progress import Progress
from finetune.rag_evaluation.other_texts import other_text_questions
from finetune.rag_evaluation.questions import HeldOutQuestion, held_out_questions
from finetune.recipe import Recipe
from finetune.runs import Run
from ingest.bootstrap import open_store
from ingest.foundation.errors import QiuzhengError
from ingest.foundation.messages import Language, Message

FOLDER = "passages"
"""In the evaluation's folder: runs of questions that were asked with passages."""

REPLY_TIMEOUT_S = 600.0
"""Seconds of one reply: a model of some billion parameters on a CPU takes minutes."""

LEAST_CONTEXT = 1_024
"""The least that the assistant's settings take; shorter models are asked anyway, and cut."""

LEAST_REPLY = 64
"""Tokens; the same of replies."""


def passages_file(run: Run, model: str) -> Path:
    """Return the file that holds the results of a model's questions."""
    return run.evaluation / FOLDER / f"{model_slug(model)}.jsonl"


def evaluate_with_passages(
    recipe: Recipe,
    run: Run,
    model: str,
    *,
    digest: str,
    language: Language,
    progress: Progress,
    collections: Sequence[str] = (),
    force: bool = False,
) -> EvaluationRun:
    """Ask the held-out questions through the assistant and return what came of them.

    Those on other texts, too, where the recipe wants them (`evaluate.other_texts`).

    Results are kept as they come: the same command goes on where it stopped.

    Args:
        recipe: Says which records, and how long a reply may be.
        run: Has the prepared data, and gets `evaluation/passages/<model>.jsonl`.
        model: base, adapter, merged, ollama:NAME or openai:URL.
        digest: Of the weights and the data: results under another one are asked again.
        language: Of the errors in results.
        progress: Gets the questions asked.
        collections: Answer from these of the index alone; (): from all.
        force: Ask again what was asked before.

    Raises:
        EvaluationError: the index is empty, or the model cannot be asked.
        QiuzhengError: answers fail one after the other, or a file cannot be written.
    """
    return ask_through_assistant(
        recipe,
        run,
        model,
        questions=[*held_out_questions(recipe, run), *other_text_questions(recipe)],
        path=passages_file(run, model),
        digest=digest,
        language=language,
        progress=progress,
        collections=collections,
        force=force,
    )


def ask_through_assistant(
    recipe: Recipe,
    run: Run,
    model: str,
    *,
    questions: Sequence[HeldOutQuestion],
    path: Path,
    digest: str,
    language: Language,
    progress: Progress,
    collections: Sequence[str] = (),
    force: bool = False,
) -> EvaluationRun:
    """Do the same with any questions; `path` is the file that keeps their results."""
    with _opened_model(recipe, run, model) as under_test:
        settings = _asking_settings(recipe, under_test)
        header = replace(
            asyncio.run(_describe_index(settings, collections)),
            model=model,
            questions=",".join(collections),  # what the index is asked of; there is no file
            temperature=settings.model.temperature,
            digest=digest,
        )
        results = _KeptResults(path, header, questions, force=force)
        try:
            if count := len(results.by_key):
                progress.note(
                    Message("{count} {count:?reply was|replies were} there already", count=count)
                )
            left = [one for one in questions if one.expected.key not in results.by_key]
            options = Question("", collections=tuple(collections), private=True)
            with reply_stage(progress, model, len(left)) as stage:

                def keep_result(result: QuestionResult) -> None:
                    """Keep a result, and move the bar."""
                    results.add(result)
                    stage.advance()

                if left:
                    asyncio.run(_ask(settings, left, options, language, keep_result))
        finally:
            results.close()
    keys = [one.expected.key for one in questions]
    kept = tuple(results.by_key[key] for key in keys if key in results.by_key)
    return EvaluationRun(header=header, results=kept, name=model)


def read_passages_run(run: Run, model: str) -> EvaluationRun:
    """Return the results of a model that was asked with passages before.

    Raises:
        EvaluationError: it was not.
    """
    path = passages_file(run, model)
    try:
        return replace(read_run(path), name=model)
    except EvaluationFileError as error:
        raise EvaluationError(
            Message("model {model} has not been evaluated with passages", model=model),
            hint=Message(
                "run: python -m finetune evaluate RECIPE --with passages --model {model}",
                model=model,
            ),
        ) from error


class _KeptResults:
    """The results of one run of questions, in memory and in a file that outlives a kill."""

    def __init__(
        self,
        path: Path,
        header: RunHeader,
        questions: Sequence[HeldOutQuestion],
        *,
        force: bool,
    ) -> None:
        self._file = RunFile(path)
        if force or (path.is_file() and not _is_same_run(path, header)):
            path.unlink(missing_ok=True)
        wanted = {question.expected.key for question in questions}
        kept = self._file.open(header)
        self.by_key = {result.key: result for result in kept if result.key in wanted}

    def add(self, result: QuestionResult) -> None:
        """Keep one more."""
        self._file.add(result)
        self.by_key[result.key] = result

    def close(self) -> None:
        """Let other runs open the file."""
        self._file.close()


def _is_same_run(path: Path, header: RunHeader) -> bool:
    """Return whether a file's results would come out the same if they were asked for now."""
    try:
        kept = read_run(path).header
    except EvaluationFileError:
        return False  # broken, or of a later version: asked again
    return (
        not header_differences(kept, header)
        and kept.digest == header.digest
        and (kept.top_k, kept.questions) == (header.top_k, header.questions)
    )


@contextlib.contextmanager
def _opened_model(recipe: Recipe, run: Run, model: str) -> Iterator[Mapping[str, Any]]:
    """Load and serve a model of the run; yield what the table [model] says of it.

    Raises:
        EvaluationError: there is no such model.
    """
    kind, _, rest = model.partition(":")
    if kind == "ollama" and rest:
        yield {"provider": "ollama", "name": rest}
    elif kind == "openai" and rest:
        url, _, name = rest.partition("#")
        yield {"provider": "openai", "host": url, **({"name": name} if name else {})}
    elif model in IN_PROCESS:
        from finetune.serve.loopback import serve_on_loopback  # noqa: PLC0415  torch takes 3 s
        from finetune.serve.server import open_engine  # noqa: PLC0415

        engine = open_engine(recipe, run, model)
        size = size_of_model(float(engine.parameters), name="")
        with serve_on_loopback(engine, reply_timeout_s=REPLY_TIMEOUT_S) as url:
            context = max(LEAST_CONTEXT, min(engine.context, recipe.export.num_ctx))
            yield {
                "provider": "openai",
                "host": url,
                "name": engine.name,
                "size": size,
                "context_tokens": context,
                # By its name alone a model without thoughts may be taken for one that has them.
                "thinking": "auto" if engine.thinks else "off",
            }
    else:
        raise EvaluationError(
            Message("there is no model {model}", model=model),
            hint=Message("write base, adapter, merged, ollama:NAME or openai:URL"),
        )


def _asking_settings(recipe: Recipe, under_test: Mapping[str, Any]) -> Settings:
    """Return the assistant's settings with the model under test in them."""
    table = {
        **under_test,
        # Greedy: a second run finds the same.
        "temperature": 0.0,
        "reply_tokens": max(LEAST_REPLY, recipe.evaluate.max_new_tokens),
        "timeout": REPLY_TIMEOUT_S,
    }
    # Hundreds of answers of a test would push out a person's own.
    return load_settings({"model": table, "snapshots": {"enabled": False}})


async def _describe_index(settings: Settings, collections: Sequence[str]) -> RunHeader:
    """Return the header of a run that begins now, the model left open.

    Raises:
        EvaluationError: the index holds nothing.
        CollectionError: there is no such collection; it names those that are there.
    """
    async with open_store(settings) as store:
        # Asked now: each answer alone would fail, and be told as a model that is gone.
        await store.check_collections(collections)
        stats = await store.stats()
    if not stats.documents:
        raise EvaluationError(
            Message("the index is empty: there are no passages to answer from"),
            hint=Message("add documents first: ingest FOLDER"),
        )
    return RunHeader(
        model="",
        top_k=settings.answer.passages,
        pages=stats.documents,
        chunks=stats.chunks,
        space=stats.space,
        started=datetime.now().astimezone().isoformat(timespec="seconds"),
        language=settings.answer.language,
        unsupported=settings.answer.unsupported,
    )


async def _ask(
    settings: Settings,
    questions: Sequence[HeldOutQuestion],
    options: Question,
    language: Language,
    report: Callable[[QuestionResult], None],
) -> None:
    async with open_assistant(settings) as assistant, open_replay(settings) as replay:
        try:
            await assistant.prepare(options)
        except QiuzhengError as error:
            raise EvaluationError(error.message, hint=error.hint) from error
        kept = {one.expected.text: one for one in questions if one.passages}
        try:
            await ask_questions(
                _AssistantOrReplay(assistant, replay, kept),
                [one.expected for one in questions],
                options=options,
                jobs=1,
                language=language,
                report=report,
            )
        except ModelError as error:
            # Its hint names the option of `assistant evaluate`; here each answer is kept.
            hint = Message("the same command goes on where it stopped")
            raise EvaluationError(error.message, hint=hint) from error


class _AssistantOrReplay:
    """Asks the assistant, or its replay for a question that brings its own passages."""

    def __init__(
        self, assistant: Assistant, replay: Replay, kept: Mapping[str, HeldOutQuestion]
    ) -> None:
        self._assistant = assistant
        self._replay = replay
        self._kept = kept

    def ask(self, question: Question) -> AsyncGenerator[AnswerEvent, None]:
        """Yield the events of one answer."""
        held_out = self._kept.get(question.text)
        if held_out is None:
            return self._assistant.ask(question)
        snapshot = Snapshot(
            id="",
            at=datetime.now().astimezone(),
            version="",
            question=question,
            language=held_out.language,
            query=question.text,
            passages=held_out.passages,
            # No model answered it yet: the one in the settings does.
            model=ModelSnapshot(name="", kind="nothing", size="", context_tokens=0),
        )
        return self._replay.ask(snapshot)
