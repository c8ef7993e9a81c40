"""A run, and its difference from another one, as text for a terminal."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final

from assistant.evaluation.comparison import RunComparison
from assistant.evaluation.figures import FigureValue, Latency, format_value
from assistant.evaluation.results import EvaluationRun, RunHeader
from ingest.foundation.messages import COLON, LIST_COMMA, Language, Message, join_messages

GROUPS: Final = {
    "retrieval": Message("Retrieval"),
    "answer": Message("Answers"),
    "verdicts": Message("Verdicts on a model's sentences"),
    "refusals": Message("Refusals"),
    "cost": Message("Cost"),
}
TIME_LABELS: Final = {
    "seconds_to_evidence": Message("first evidence"),
    "seconds_to_first_word": Message("first word"),
    "seconds": Message("whole answer"),
}
VERDICT_LABELS: Final = {
    "better": Message("better"),
    "worse": Message("worse"),
    "none": Message("no difference shown"),
}
CONDITION_LABELS: Final = {
    "pages": Message("pages of the index"),
    "chunks": Message("chunks of the index"),
    "space": Message("encoder"),
    "jobs": Message("questions side by side"),
    "language": Message("language of the answers"),
    "unsupported": Message("what becomes of unsupported sentences"),
    "temperature": Message("temperature"),
    "digest": Message("weights of the model"),
}
MARKS: Final = {"better": "▲", "worse": "▼", "none": "·"}


def count_questions(count: int) -> Message:
    """Return "1 question" or "2 questions"."""
    return Message("{count} {count:?question|questions}", count=count)


def describe_header(header: RunHeader, questions: int) -> Message:
    """Return what was asked of what: "20 questions · qwen3:4b · 6 passages · 134 pages"."""
    return Message(
        "{questions} · model {model} · {top_k} {top_k:?passage|passages} · {pages} "
        "{pages:?page|pages} in the index",
        questions=count_questions(questions),
        model=header.model,
        top_k=header.top_k,
        pages=header.pages,
    )


def describe_conditions(comparison: RunComparison) -> Message | None:
    """Return what else differs between two runs, None if nothing does."""
    if not comparison.conditions:
        return None
    names = join_messages((CONDITION_LABELS[name] for name in comparison.conditions), LIST_COMMA)
    return Message("the two runs also differ in: {names}", names=names)


def run_lines(
    run: EvaluationRun,
    values: Sequence[FigureValue],
    latencies: Sequence[Latency],
    language: Language,
) -> Iterator[str]:
    """Yield the figures of a run, value and interval first, so that columns need no widths."""
    yield describe_header(run.header, len(run.results)).localize(language)
    # `measure` keeps the order of FIGURES, where each group stands together.
    for group, members in groupby(values, key=lambda one: one.figure.group):
        yield ""
        yield f"{GROUPS[group].localize(language)}{COLON.localize(language).rstrip()}"
        for one in members:
            low, high = (format_value(end, one.figure) for end in (one.low, one.high))
            interval = f"[{low}, {high}]"
            label = one.figure.label.localize(language)
            shown = format_value(one.value, one.figure)
            yield f"  {shown:>9}  {interval:<20} {one.questions:>5}  {label}"
    if latencies:
        yield ""
        head = Message("Seconds until, p50 and p95")
        yield f"{head.localize(language)}{COLON.localize(language).rstrip()}"
        for time in latencies:
            label = TIME_LABELS[time.name].localize(language)
            yield f"  {time.p50:>9.2f}  {time.p95:>9.2f}           {time.questions:>5}  {label}"


def comparison_lines(comparison: RunComparison, language: Language) -> Iterator[str]:
    """Yield the differences of two runs, one a line, and the questions lost and won."""
    yield Message(
        "{new} compared with {old}, {questions} that both asked",
        old=comparison.old.name,
        new=comparison.new.name,
        questions=count_questions(len(comparison.pairs)),
    ).localize(language)
    if conditions := describe_conditions(comparison):
        yield conditions.localize(language)
    yield ""
    for one in comparison.differences:
        figure = one.figure
        old, new = format_value(one.old, figure), format_value(one.new, figure)
        gain, low, high = (
            format_value(value, figure, signed=True)
            for value in (one.gain.value, one.gain.low, one.gain.high)
        )
        verdict = VERDICT_LABELS[one.verdict].localize(language)
        label = figure.label.localize(language)
        interval = f"({gain} [{low}, {high}])"
        yield f"{MARKS[one.verdict]} {verdict}  {old} → {new}  {interval}  {label}"
    for before, after in comparison.latencies:
        label = TIME_LABELS[before.name].localize(language)
        pairs = ((before.p50, after.p50), (before.p95, after.p95))
        p50, p95 = (f"{old:.2f} → {new:.2f} s" for old, new in pairs)
        yield f"    p50 {p50}, p95 {p95}  {label}"
    for _, result in comparison.changed:
        mark = Message("won" if result.is_good else "lost").localize(language)
        yield f"  {mark}{COLON.localize(language)}{result.question}"
