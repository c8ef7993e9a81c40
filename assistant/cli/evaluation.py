"""Runs `assistant evaluate`: from a file of questions to figures, a page and an exit code."""

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from assistant.bootstrap import open_assistant
from assistant.cli.evaluation_options import (
    parse_floors,
    refuse_asking_options,
    refuse_overwriting,
    refuse_unwritable,
    settings_of_options,
)
from assistant.errors import EvaluationFileError, QuestionError
from assistant.evaluation.answer_scoring import spellings
from assistant.evaluation.asking import ask_questions
from assistant.evaluation.comparison import RunComparison, compare_runs, refuse_unlike
from assistant.evaluation.figures import FigureValue, measure, measure_latency
from assistant.evaluation.html_page import evaluation_page
from assistant.evaluation.questions import EvaluationQuestion, parse_questions, read_text_file
from assistant.evaluation.results import (
    EvaluationRun,
    QuestionResult,
    RunFile,
    RunHeader,
    cannot_write,
    is_saved_run,
    parse_run,
    read_run,
)
from assistant.evaluation.text_report import comparison_lines, count_questions, run_lines
from assistant.settings import Settings, load_settings
from assistant.values import Question
from ingest.bootstrap import open_store
from ingest.foundation.command_line.cli_runner import print_json
from ingest.foundation.errors import QiuzhengError
from ingest.foundation.messages import COLON, Language, Message
from ingest.index.store.base import IndexStats
from ingest.report import print_note, printable
from ingest.text.language import choose_language

FAILED = 1
"""Exit code: there are questions without an answer."""
BELOW_FLOOR = 4
"""Exit code: the run is whole, and a figure of --fail-under is too low."""


class EmptyIndexError(QiuzhengError):
    """There is nothing that a question could be answered from."""

    code = "index"


async def evaluate_questions(path: Path, *, language: Language, **options: Any) -> int:
    """Ask the questions of `path`, or read the run that it is; show figures, return the exit code.

    `options` are those of the command (`assistant.cli.evaluate`), by their names.

    Raises:
        QiuzhengError: something cannot be used; what was asked until then is kept by --save.
    """
    floors = parse_floors(options["fail_under"])
    old = read_run(options["compare"]) if options["compare"] else None
    refuse_overwriting(path, options)
    text = read_text_file(path)
    if is_saved_run(text):
        refuse_asking_options(path, options)
        return _show(parse_run(text, path), old, floors, language=language, options=options)
    if options["model"] and options["no_model"]:
        raise QuestionError(Message("--model and --no-model exclude each other"))
    questions, repeated = parse_questions(text, path)
    questions = questions[: options["limit"]]
    # All that can be wrong is said before the first question, which may be an hour before the last.
    if old:
        refuse_unlike(old, (question.key for question in questions), path.stem)
    if options["html"]:
        refuse_unwritable(options["html"])
    settings = load_settings(settings_of_options(options))
    language = choose_language(settings.answer.language)
    if repeated:
        again = Message("{count} repeated in {path}: asked once", count=repeated, path=path)
        _note_if_read(again, language)
    run = _Run(
        path=path,
        questions=questions,
        settings=settings,
        options=options,
        language=language,
    )
    try:
        await run.ask()
    except (asyncio.CancelledError, QiuzhengError):
        # Ctrl-C, or a server that is gone: what was asked is worth showing anyway.
        if run.results:
            # A full disk cannot take the page either: the first error says so.
            with contextlib.suppress(EvaluationFileError):
                _show(run.finished(), None, {}, language=language, options=options)
            run.print_rest()
        raise
    finally:
        run.close()
    return _show(run.finished(), old, floors, language=language, options=options)


def _note_if_read(text: Message, language: Language) -> None:
    """Say something about the run on stderr, if anybody listens."""
    try:
        print_note(text, language)
    except OSError:
        _silence()


def _silence() -> None:
    """Write to stderr no more: who read it has gone, or its disk is full.

    An hour's run does not end for its progress; the figures are on stdout.
    """
    sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115  until the end


class _Run:
    """One run of questions: what is known before, and the results as they come."""

    def __init__(
        self,
        *,
        path: Path,
        questions: Sequence[EvaluationQuestion],
        settings: Settings,
        options: Mapping[str, Any],
        language: Language,
    ) -> None:
        self._path = path
        self._questions = questions
        self._settings = settings
        self._options = options
        self._language = language
        self._file: RunFile | None = None
        self._header = RunHeader(model="", top_k=0)
        self.results: dict[str, QuestionResult] = {}

    async def ask(self) -> None:
        """Ask what the run's file does not hold yet.

        Raises:
            QiuzhengError: the index is empty, the model is away, a file cannot be used.
        """
        stats, missing = await _look_at_index(self._settings, self._questions)
        self._header = self._header_for(stats)
        if missing:
            text = Message(
                "expected pages that are not in the index: {count}, such as {url}",
                count=len(missing),
                url=missing[0],
            )
            _note_if_read(text, self._language)
        if self._options["save"]:
            self._file = RunFile(self._options["save"])
            self._load_results(self._file)
        # The order of the file, not that of the saved run: who watches knows where we are.
        unasked = [question for question in self._questions if question.key not in self.results]
        if not unasked:
            return
        language = self._settings.answer.language
        options = Question(
            "",
            model=self._options["model"],
            top_k=self._options["top_k"],
            language=None if language == "auto" else language,
            # By itself a run would push a person's own answers out of what is kept.
            private=not self._options["snapshots"],
        )
        opened = open_assistant(self._settings, say=self._say)
        async with opened as assistant:
            # A model that is missing is known before the first question, not after three.
            traits = await assistant.prepare(options)
            self._header = replace(
                self._header, temperature=traits.temperature, digest=traits.digest
            )
            if self._file:
                self._file.open(self._header)
            await ask_questions(
                assistant,
                unasked,
                options=options,
                jobs=self._options["jobs"],
                language=self._language,
                report=self._report_result,
            )

    def close(self) -> None:
        """Let other runs open the run's file."""
        if self._file:
            self._file.close()

    def _load_results(self, file: RunFile) -> None:
        """Take over the results that a file holds of these questions."""
        # Begun once the model is known, which a run that is whole needs no more.
        if not file.is_begun:
            return
        wanted = {question.key for question in self._questions}
        for result in file.open(self._header):
            if result.key in wanted:
                self.results[result.key] = result
        if self.results:
            text = Message(
                "{questions} already asked: {path}",
                questions=count_questions(len(self.results)),
                path=file.path,
            )
            self._say(text)

    def finished(self) -> EvaluationRun:
        """Return the run as far as it came, in the order of the questions."""
        keys = [question.key for question in self._questions]
        results = tuple(self.results[key] for key in keys if key in self.results)
        # Two runs of one model are distinguished by their files.
        name = self._file.path.stem if self._file else self._header.model
        return EvaluationRun(header=self._header, results=results, name=name)

    def print_rest(self) -> None:
        """Say how much is left, and how to go on."""
        values = {"asked": len(self.results), "all": len(self._questions)}
        if self._file:
            text = Message("{asked} of {all} asked; the same command asks the rest", **values)
        else:
            text = Message(
                "{asked} of {all} asked; with --save FILE the next run could have gone on", **values
            )
        _note_if_read(text, self._language)

    def _header_for(self, stats: IndexStats) -> RunHeader:
        settings, options = self._settings, self._options
        quotes = settings.model.provider == "extractive" and not options["model"]
        return RunHeader(
            model="quotes" if quotes else options["model"] or settings.model.name,
            top_k=options["top_k"] or settings.answer.passages,
            pages=stats.documents,
            chunks=stats.chunks,
            space=stats.space,
            questions=str(self._path),
            started=datetime.now().astimezone().isoformat(timespec="seconds"),
            jobs=options["jobs"],
            language=settings.answer.language,
            unsupported=settings.answer.unsupported,
        )

    def _say(self, text: Message) -> None:
        if not self._options["quiet"]:
            _note_if_read(text, self._language)

    def _report_result(self, result: QuestionResult) -> None:
        if self._file:
            self._file.add(result)
        self.results[result.key] = result
        if self._options["quiet"]:
            return
        mark, colour = ("✓", "green") if result.is_good else ("✗", "red")
        place = f"[{len(self.results)}/{len(self._questions)}]"
        detail = f"{COLON.localize(self._language)}{result.error}" if result.error else ""
        line = f"{result.question}{detail}  {result.seconds:.1f} s"
        try:
            click.secho(f"{place} {mark} ", err=True, nl=False, fg=colour)
            click.secho(printable(" ".join(line.split())), err=True)
        except OSError:
            _silence()


async def _look_at_index(
    settings: Settings, questions: Sequence[EvaluationQuestion]
) -> tuple[IndexStats, list[str]]:
    """Return what the index holds, and the expected pages that it lacks.

    Raises:
        EmptyIndexError: it holds nothing.
    """
    named = {url: spellings(url) for question in questions for url in question.urls}
    async with open_store(settings) as store:
        stats = await store.stats()
        held = (await store.processing(set().union(*named.values()))).keys()
    if not stats.documents:
        raise EmptyIndexError(
            Message("the index is empty: there is nothing to ask"),
            hint=Message("add pages first: ingest urls.txt"),
        )
    # Of the end of an address nothing is known before a passage has it: it has no spellings.
    return stats, [url for url, known in named.items() if known and held.isdisjoint(known)]


def _show(
    run: EvaluationRun,
    old: EvaluationRun | None,
    floors: Mapping[str, float],
    *,
    language: Language,
    options: Mapping[str, Any],
) -> int:
    """Print the figures, write the page, and return the exit code."""
    values, latencies = measure(run.results), measure_latency(run.results)
    comparison = compare_runs(old, run) if old else None
    if options["as_json"]:
        print_json(json.dumps(_fields(run, values, comparison), ensure_ascii=False, indent=1))
    else:
        lines = [*run_lines(run, values, latencies, language)]
        if comparison:
            lines += ["", *comparison_lines(comparison, language)]
        click.echo(printable("\n".join(lines)))
    if target := options["html"]:
        page = evaluation_page(run, values, latencies, language, comparison=comparison)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)  # a saved run's page was not checked
            target.write_text(page, encoding="utf-8")
        except OSError as error:
            raise cannot_write(target, error) from error
        if not options["quiet"]:
            _note_if_read(Message("the page is {path}", path=target), language)
    # Whether a figure is below its floor, and say which.
    by_name = {one.figure.name: one.value for one in values}
    is_below = False
    for name, floor in floors.items():
        value = by_name.get(name)
        if value is None:
            text = Message("{name}: no question of this run has this figure", name=name)
        elif value < floor:
            text = Message(
                "{name} is {value:.3f}, below {floor:g}", name=name, value=value, floor=floor
            )
        else:
            continue
        is_below = True
        _note_if_read(text, language)
    failed = [result for result in run.results if result.has_failed]
    if failed:
        # A script must not take the figures of a server that was away for those of the model.
        values_of = {"questions": count_questions(len(failed)), "error": failed[-1].error}
        _note_if_read(Message("no answer to {questions}: {error}", **values_of), language)
        return FAILED
    return BELOW_FLOOR if is_below else 0


def _fields(
    run: EvaluationRun, values: Sequence[FigureValue], comparison: RunComparison | None
) -> dict[str, Any]:
    """Return the JSON object of a run."""
    fields: dict[str, Any] = {
        "run": asdict(run.header),
        "questions": len(run.results),
        "figures": {one.figure.name: one.to_json() for one in values},
        "latency": {
            one.name: {"p50": round(one.p50, 4), "p95": round(one.p95, 4)}
            for one in measure_latency(run.results)
        },
        "failed": [result.question for result in run.results if result.has_failed],
    }
    if comparison:
        fields["comparison"] = comparison.to_json()
    return fields
