"""`assistant explain` and `history`: what is kept of answers, for people and as JSON."""

import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence

import click

from assistant.cli.explain_labels import (
    ANSWER_TYPES,
    ANSWERABILITY,
    LEGS,
    REASONS,
    STEPS,
    VERDICT_SIGNS,
    VERDICTS,
    describe_score,
)
from assistant.errors import SnapshotNotFoundError
from assistant.labels import QUOTES, describe_place
from assistant.settings import Settings, SnapshotSettings
from assistant.snapshots.failures import LAST, not_found_error
from assistant.snapshots.snapshot import Snapshot, snapshot_adapter
from assistant.snapshots.store import SnapshotStore
from assistant.values import Passage
from ingest.events import PageStored
from ingest.foundation.command_line.cli_runner import print_json
from ingest.foundation.messages import (
    COMMA,
    LIST_COMMA,
    NO_MESSAGE,
    SEMICOLON,
    Language,
    Message,
    enumerate_names,
    join_messages,
)
from ingest.local_files import shown_url
from ingest.report import page_line, printable
from ingest.text.language import choose_language
from ingest.text.table_cells import unescape_cells

MAX_LINE_COLUMNS = 120
"""Columns of a quoted text; an ideograph takes two."""

MAX_SPAN_COLUMNS = 3 * MAX_LINE_COLUMNS
"""The same of what supports a sentence: cut short, it may lack the very words that do."""

SHOWN_DIGEST = 12
"""Characters of a model's digest, as Ollama lists them."""


def open_kept_answers(settings: SnapshotSettings) -> SnapshotStore:
    """Open the file of kept answers to read it; none is created.

    Raises:
        SnapshotError: there is none, or it cannot be used.
    """
    # Looking at what is kept must not be what creates the file.
    if not settings.path.exists():
        raise not_found_error(LAST)
    return SnapshotStore(settings.path, keep=settings.keep, days=settings.days)


def load_snapshot(settings: Settings, name: str) -> Snapshot:
    """Return the kept answer of this name.

    Raises:
        SnapshotError: there is none, or the file cannot be read.
    """
    with open_kept_answers(settings.snapshots) as store:
        return store.get(name)


def explanation_language(settings: Settings, chosen: str | None, snapshot: Snapshot) -> Language:
    """Return the language to speak of an answer in: the chosen one, else that of its question."""
    return choose_language(chosen or settings.answer.language, snapshot.question.text)


def print_explanation(
    settings: Settings, *, name: str, with_prompt: bool, as_json: bool, chosen: str | None
) -> int:
    """Print how an answer came about."""
    snapshot = load_snapshot(settings, name)
    language = explanation_language(settings, chosen, snapshot)
    if as_json:
        print_json(snapshot_adapter().dump_json(snapshot, context={"language": language}))
    elif with_prompt:
        if not snapshot.prompt:
            none = Message("there is no prompt: no model was asked, or a page of it was removed")
            click.echo(none.localize(language), err=True)
        for message in snapshot.prompt:
            click.secho(f"[{message.role}]", bold=True)
            click.echo(f"{printable(message.content)}\n")
    else:
        for line in explanation_lines(snapshot, language):
            click.echo(printable(line))
    return 0


def explanation_lines(snapshot: Snapshot, language: Language) -> Iterator[str]:
    """Yield the lines of an explanation, section by section."""
    passages, notices = snapshot.passages, snapshot.notices
    answerability = ANSWERABILITY[snapshot.evidence.answerability]
    if not snapshot.prompt:
        prompt_head = NO_MESSAGE
    else:
        usage = snapshot.answer.usage if snapshot.answer else None
        prompt_head = Message(
            "Prompt: {messages} {messages:?message|messages}, {tokens} "
            "{tokens:?token|tokens}: assistant explain {id} --prompt",
            messages=len(snapshot.prompt),
            tokens=usage.prompt if usage else snapshot.prompt_tokens,
            id=snapshot.id,
        )
    when = snapshot.at.astimezone().strftime("%Y-%m-%d %H:%M")
    facts = [Message.verbatim(snapshot.id), Message.verbatim(when)]
    model = snapshot.model
    if model.kind == "model":
        name = f"{model.name} ({model.digest[:SHOWN_DIGEST]})" if model.digest else model.name
        facts.append(Message.verbatim(name))
        if model.temperature is not None:
            facts.append(Message("temperature {value:g}", value=model.temperature))
    if "end" in snapshot.seconds:
        facts.append(Message("{seconds:.1f} s", seconds=snapshot.seconds["end"]))
    sections: list[tuple[Message, Iterable[Message | str]]] = [
        (join_messages(facts, COMMA), _question_lines(snapshot)),
        (_answer_head(snapshot), _answer_lines(snapshot)),
        (
            Message("Evidence: {answerability}", answerability=answerability)
            if passages
            else NO_MESSAGE,
            _evidence_lines(snapshot),
        ),
        (Message("Passages") if passages else NO_MESSAGE, _passage_lines(passages)),
        (_pages_head(snapshot), (page_line(page, language) for page in snapshot.pages)),
        (Message("Notes") if notices else NO_MESSAGE, (notice.text for notice in notices)),
        (prompt_head, ()),
    ]
    shown = [(head, lines) for head, lines in sections if head]
    for number, (head, lines) in enumerate(shown):
        if number:
            yield ""
        yield head.localize(language)
        for line in lines:
            yield line if isinstance(line, str) else f"  {line.localize(language)}"


def _question_lines(snapshot: Snapshot) -> Iterator[Message]:
    """Yield the question, how it was understood, and when each step of the answer began."""
    yield Message("question: {text}", text=_short(snapshot.question.text))
    if snapshot.query != snapshot.question.text:
        yield Message("understood as: {query}", query=_short(snapshot.query))
    if snapshot.parent:
        yield Message("a replay of {id}, over the same passages", id=snapshot.parent)
    steps = [
        Message("{step} {seconds:.1f} s", step=STEPS[name], seconds=seconds)
        for name, seconds in snapshot.seconds.items()
        if name in STEPS
    ]
    if steps:
        yield Message("began after: {steps}", steps=join_messages(steps, LIST_COMMA))


def _answer_head(snapshot: Snapshot) -> Message:
    answer = snapshot.answer
    if answer is None:
        return Message("It failed")
    if answer.kind == "nothing":
        return Message("Nothing was found to answer from")
    head = Message("Answer")
    if answer.kind == "quotes":
        head = Message("{head} ({kind})", head=head, kind=QUOTES)
    if answer.trust is None:
        return head
    kinds = [each.verdict.kind for each in snapshot.sentences]
    supported = kinds.count("supported") + kinds.count("re_attached")
    return Message(
        "{head}: {supported} of {claims} {claims:?claim stands|claims stand} in the "
        "passages, trust {trust:.2f}",
        head=head,
        supported=supported,
        claims=supported + kinds.count("unsupported"),
        trust=answer.trust,
    )


def _answer_lines(snapshot: Snapshot) -> Iterator[Message]:
    if snapshot.failure is not None:
        yield snapshot.failure.message
        if snapshot.failure.hint:
            yield snapshot.failure.hint
    if snapshot.rejected.strip():
        yield Message("the model had written: {text}", text=_short(snapshot.rejected))
    texts = {passage.number: passage.text for passage in snapshot.passages}
    for each in snapshot.sentences:
        verdict = each.verdict
        sign = VERDICT_SIGNS[verdict.kind]
        left_out = NO_MESSAGE if each.shown else Message(" (left out)")
        text = _short(each.text)
        yield Message("{sign} {text}{left_out}", sign=sign, text=text, left_out=left_out)
        if verdict.passage is not None:
            passage = texts.get(verdict.passage, "")
            span = unescape_cells(passage[verdict.start : verdict.end])
            yield Message(
                "    {verdict} [{number}]: “{span}”",
                verdict=VERDICTS[verdict.kind],
                number=verdict.passage,
                span=_short(span, MAX_SPAN_COLUMNS),
            )
        elif verdict.reasons:
            reasons = join_messages((REASONS[reason] for reason in verdict.reasons), LIST_COMMA)
            yield Message(
                "    {verdict}: {reasons}", verdict=VERDICTS[verdict.kind], reasons=reasons
            )
    if not snapshot.sentences and snapshot.answer is not None:
        yield Message.verbatim(_short(snapshot.answer.text))


def _evidence_lines(snapshot: Snapshot) -> Iterator[Message]:
    """Yield each block and what spoke for it."""
    for block in snapshot.evidence.blocks:
        yield Message.verbatim(f"{block.number}. [{block.passage}] “{_short(block.text)}”")
        signals = block.signals
        if signals is None:
            why = Message("in another language: nearest by meaning, not compared word by word")
            yield Message("   {why}", why=why)
            continue
        facts = []
        if signals.terms:
            whole_terms = question_phrases(signals.terms, snapshot.looked_up)
            facts.append(Message("says {terms}", terms=enumerate_names(whole_terms)))
        if block.heading:
            facts.append(Message("stands under “{heading}”", heading=_short(block.heading)))
        if signals.asked and signals.typed > 0:
            facts.append(Message("has {kind}, as asked for", kind=ANSWER_TYPES[signals.asked]))
        elif signals.asked:
            facts.append(Message("has no {kind}", kind=ANSWER_TYPES[signals.asked]))
        facts.append(
            Message(
                "{share:.0%} of the question, score {score:.2f}",
                share=block.score,
                score=signals.score,
            )
        )
        if signals.parts is not None:
            facts.append(describe_score(signals.parts))
        yield Message("   {why}", why=join_messages(facts, SEMICOLON))


def question_phrases(terms: Sequence[str], question: str) -> list[str]:
    """Return terms as the question says them: Chinese ones are pairs of characters that overlap."""
    text = question.casefold()
    covered: set[int] = set()
    for term in terms:
        # Words in letters stand whole, Chinese pairs anywhere.
        place = re.escape(term)
        place = rf"(?<![a-z0-9])(?={place}(?![a-z0-9]))" if term.isascii() else f"(?={place})"
        for found in re.finditer(place, text):
            covered.update(range(found.start(), found.start() + len(term)))
    shown = "".join(
        character if at in covered else "\n" for at, character in enumerate(question[: len(text)])
    )
    # A term in another form than the question's, such as a number in figures, stands for itself.
    others = (term for term in terms if term not in text)
    return list(dict.fromkeys([*shown.split(), *others]))


def _passage_lines(passages: Sequence[Passage]) -> Iterator[Message]:
    """Yield two lines a passage: where it is from, and how words and vectors ranked it."""
    for passage in passages:
        yield Message(
            "[{number}] {title}{place} {url}",
            number=passage.number,
            title=passage.title,
            place=describe_place(passage),
            url=shown_url(passage.url),
        )
        ranks = passage.ranks
        yield Message(
            "    {words}; {vectors}; together {score:.2f}",
            words=_leg("words", ranks.words, ranks.bm25),
            vectors=_leg("vectors", ranks.vectors, ranks.cosine),
            score=passage.score,
        )


def _leg(leg: str, rank: int | None, score: float | None) -> Message:
    if rank is None or score is None:
        return Message("not found by {leg}", leg=LEGS[leg])
    return Message("no. {rank} by {leg} ({score:.3g})", rank=rank, leg=LEGS[leg], score=score)


def _pages_head(snapshot: Snapshot) -> Message:
    if snapshot.search is None:
        if snapshot.parent:
            return NO_MESSAGE
        if snapshot.question.web:
            return Message("Pages: those of the index alone; the web could not be searched")
        return Message("Pages: those of the index alone; the web was not searched")
    read = sum(isinstance(page, PageStored) for page in snapshot.pages)
    return Message(
        "Pages: {engine} found {hits} for “{query}”; {read} read, {skipped} left out",
        engine=snapshot.search.engine,
        hits=len(snapshot.search.hits),
        query=_short(snapshot.search.query),
        read=read,
        skipped=len(snapshot.pages) - read,
    )


def _short(text: str, longest: int = MAX_LINE_COLUMNS) -> str:
    line, columns = " ".join(text.split()), 0
    for at, character in enumerate(line):
        columns += 2 if unicodedata.east_asian_width(character) in "WF" else 1
        if columns > longest:
            return f"{line[:at].rstrip()}…"
    return line


def print_history(settings: Settings, *, limit: int, as_json: bool, language: Language) -> int:
    """Print the newest kept answers, a line each."""
    try:
        with open_kept_answers(settings.snapshots) as store:
            lines = store.lines(limit=limit)
    except SnapshotNotFoundError:  # there is no file
        lines = []
    if not lines and not as_json:
        # As it should be with a new home: no error.
        click.echo(not_found_error(LAST).localize(language), err=True)
    for line in lines:
        if as_json:
            fields = {
                "id": line.id,
                "at": line.at.isoformat(),
                "question": line.question,
                "kind": line.kind,
                "trust": line.trust,
                "parent": line.parent,
            }
            print_json(json.dumps(fields, ensure_ascii=False))
        else:
            when = line.at.astimezone().strftime("%Y-%m-%d %H:%M")
            match line.kind:
                case None:
                    state = Message("failed")
                case "nothing":
                    state = Message("nothing")
                case _:
                    state = Message.verbatim("–" if line.trust is None else f"{line.trust:.2f}")
            again = f" ↻ {line.parent}" if line.parent else ""
            shown = f"{state.localize(language):<7}"
            shown_line = f"{line.id}  {when}  {shown}  {_short(line.question)}{again}"
            click.echo(printable(shown_line))
    return 0
