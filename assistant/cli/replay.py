"""`assistant replay`: a kept answer asked again over the same passages, and what came out."""

import json
from collections.abc import Iterator, Mapping
from contextlib import aclosing
from dataclasses import asdict, dataclass

import click

from assistant.bootstrap import open_replay
from assistant.cli.explain import SHOWN_DIGEST, explanation_language, load_snapshot
from assistant.cli.explain_labels import VERDICT_SIGNS
from assistant.cli.terminal import Terminal
from assistant.events import ANSWER_EVENT, AnswerEvent, AnswerFailed
from assistant.replay import ReplayDifference, compare_snapshots
from assistant.settings import Settings
from assistant.snapshots.snapshot import Snapshot
from assistant.values import VerdictKind
from ingest.foundation.command_line.cli_runner import print_json
from ingest.foundation.messages import Message, join_messages
from ingest.report import print_note, printable

SPACE = Message(" ")


async def print_replay(
    settings: Settings,
    *,
    name: str,
    model: str | None,
    temperature: float | None,
    as_json: bool,
    quiet: bool,
    chosen: str | None,
) -> int:
    """Show the events of the new answer, then how it differs from the kept one.

    Raises:
        SnapshotError: there is no such answer, or the file cannot be read.
    """
    before = load_snapshot(settings, name)
    language = explanation_language(settings, chosen, before)
    printer = _ReplayPrinter(
        terminal=Terminal(language=language, quiet=quiet, thinking=False), as_json=as_json
    )
    made_snapshots: list[Snapshot] = []
    code = 0
    if temperature is None:
        temperature = before.model.temperature
    if temperature is not None:
        sampled = settings.model.model_copy(update={"temperature": temperature})
        settings = settings.model_copy(update={"model": sampled})
    async with (
        open_replay(settings, say=printer.say) as replay,
        aclosing(replay.ask(before, model=model, on_snapshot=made_snapshots.append)) as events,
    ):
        async for event in events:
            printer.show(event)
            if isinstance(event, AnswerFailed):
                code = event.exit_code
    if made_snapshots:
        printer.compare(before.id, compare_snapshots(before, made_snapshots[0]))
    return code


@dataclass(frozen=True, slots=True, kw_only=True)
class _ReplayPrinter:
    """Prints events and the comparison, for people or as JSON."""

    terminal: Terminal
    as_json: bool

    def show(self, event: AnswerEvent) -> None:
        """Print one event; a failure goes to people, too."""
        if self.as_json:
            print_json(ANSWER_EVENT.dump_json(event, context={"language": self.terminal.language}))
        if not self.as_json or isinstance(event, AnswerFailed):
            self.terminal.show(event)

    def say(self, text: Message) -> None:
        """Print a note, unless only results are wanted."""
        if not (self.terminal.quiet or self.as_json):
            print_note(text, self.terminal.language)

    def compare(self, id_: str, difference: ReplayDifference) -> None:
        """Print how the new answer differs from the one called `id_`."""
        if self.as_json:
            fields = {"type": "replay_compared", "of": id_, **asdict(difference)}
            print_json(json.dumps(fields, ensure_ascii=False))
            return
        click.echo()
        for line in difference_lines(id_, difference):
            click.echo(printable(line.localize(self.terminal.language)))


def difference_lines(id_: str, difference: ReplayDifference) -> Iterator[Message]:
    """Yield the lines that say how a replayed answer differs from the kept one."""
    same = difference.same_text
    yield Message("the same text as {id}" if same else "another text than {id}", id=id_)
    if not difference.same_prompt:
        yield Message("  the model was given another prompt")
    models, digests, temperatures = difference.models, difference.digests, difference.temperatures
    if models[0] != models[1]:
        yield Message("  model: {before} → {now}", before=models[0], now=models[1])
    elif all(digests) and digests[0] != digests[1]:
        yield Message(
            "  other weights under the same name: {before} → {now}",
            before=digests[0][:SHOWN_DIGEST],
            now=digests[1][:SHOWN_DIGEST],
        )
    if temperatures[0] != temperatures[1]:
        yield Message(
            "  temperature: {before} → {now}",
            before=_figure(temperatures[0]),
            now=_figure(temperatures[1]),
        )
    before, now = difference.verdicts
    yield Message("  sentences: {before} → {now}", before=_counts(before), now=_counts(now))
    yield Message(
        "  trust: {before} → {now}",
        before=_figure(difference.trust[0]),
        now=_figure(difference.trust[1]),
    )


def _counts(verdicts: Mapping[VerdictKind, int]) -> Message:
    """Return "✓ 2 ✗ 1", in which both kinds of support are one."""
    signs: dict[str, int] = {}
    for kind, sign in VERDICT_SIGNS.items():
        signs[sign] = signs.get(sign, 0) + verdicts.get(kind, 0)
    shown = [Message.verbatim(f"{sign} {count}") for sign, count in signs.items() if count]
    return join_messages(shown or [Message.verbatim("–")], SPACE)


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
