"""`assistant index`: looking after what is stored. One function a command."""

import asyncio
import json
import sys
from contextlib import aclosing
from dataclasses import asdict
from typing import Any, assert_never

import click

from assistant.settings import Settings
from ingest.bootstrap import choose_embedder, choose_migration_target, open_maintenance
from ingest.encoder_setup import prepare_encoder
from ingest.errors import EmbedError
from ingest.foundation.command_line.cli_runner import print_json
from ingest.foundation.messages import NO_MESSAGE, Language, Message
from ingest.index.check import IndexCheck, IndexProblem, check_index
from ingest.index.migration import MigrationProgress, SpaceMigration
from ingest.report import count_chunks, count_documents, print_note, printable

FIX = "assistant index check --fix"
REBUILD = "assistant index rebuild"
LEAVE_SERVER = Message(
    "to go over to the built-in encoder: ASSISTANT_EMBED__PROVIDER=builtin assistant index migrate"
)
LINE_EVERY = 0.1
"""Share of the chunks after which a migration writes a line, where no terminal can redraw one."""


async def print_index_check(
    settings: Settings, *, fix: bool, as_json: bool, language: Language
) -> int:
    """Print what is wrong with the index; return 1 if something is, and stays so."""
    problems: tuple[Message, ...] = ()
    embedder = None
    async with open_maintenance(settings) as maintenance:
        if fix:
            space = (await maintenance.stats()).space
            embedder, problems = await choose_embedder(settings, space=space)
        try:
            if embedder is not None:
                await prepare_encoder(embedder, lambda text: print_note(text, language))
            check = await check_index(maintenance, fix=fix, embedder=embedder)
        finally:
            if embedder is not None:
                await embedder.close()
    if as_json:

        def fields(problem: IndexProblem) -> dict[str, Any]:
            return asdict(problem) | {"reason": problem.reason.localize(language)}

        print_json(
            json.dumps(
                {
                    "sound": not check.left,
                    **asdict(check.stats),
                    "found": [fields(problem) for problem in check.found],
                    "left": [fields(problem) for problem in check.left],
                    "embedded_anew": check.embedded,
                    "reason": check.reason.localize(language),
                },
                ensure_ascii=False,
            )
        )
        return 1 if check.left else 0
    _print_check(check, fixed=fix, language=language)
    if check.found:
        for text in (*problems, *([check.reason] if check.reason else [])):
            print_note(text, language)
    return 1 if check.left else 0


def _print_check(check: IndexCheck, *, fixed: bool, language: Language) -> None:
    kinds_found = {(problem.kind, problem.space) for problem in check.found}
    kinds_left = {(problem.kind, problem.space) for problem in check.left}
    # An unusable vector that could not be made again is a problem of another kind.
    others = [problem for problem in check.left if (problem.kind, problem.space) not in kinds_found]
    for problem in (*check.found, *others):
        is_left = (problem.kind, problem.space) in kinds_left
        click.secho("✗ " if is_left else "✓ ", fg="red" if is_left else "green", nl=False)
        line = _describe_problem(problem)
        if not is_left:
            line = Message("{problem}: repaired", problem=line)
        click.echo(printable(line.localize(language)))
    stats = check.stats
    if check.left:
        if not fixed and check.left[0].kind != "damaged_file":
            click.secho(f"    {FIX}", dim=True)
        return
    lacking = stats.embedded < stats.chunks  # in a language that the encoder does not know, say
    line = Message(
        "the index is sound: {pages}, {chunks}, {embedded} with vectors{rest}",
        pages=count_documents(stats.documents),
        chunks=count_chunks(stats.chunks),
        embedded=stats.embedded,
        rest=Message(" (the rest is found by words)") if lacking else NO_MESSAGE,
    )
    if check.embedded:
        line = Message("{line}, {count} of them made anew", line=line, count=check.embedded)
    click.secho("✓ ", fg="green", nl=False)
    click.echo(line.localize(language))


def _describe_problem(problem: IndexProblem) -> Message:
    match problem.kind:
        case "damaged_file":
            return Message(
                "the file of the index is damaged; what can be read is saved by: {command}",
                command=REBUILD,
            )
        case "faulty_vectors":
            return Message(
                "stored vectors of no use: {count} ({reason})",
                count=problem.count,
                reason=problem.reason,
            )
        case "stray_vectors":
            return Message("vectors of chunks that are gone: {count}", count=problem.count)
        case "not_embedded":
            return Message(
                "{chunks} without a vector, found by words: {reason}",
                chunks=count_chunks(problem.count),
                reason=problem.reason,
            )
        case "vector_store":
            return Message(
                "the vector store is no copy of the index ({reason})", reason=problem.reason
            )
        case "word_files":
            return Message(
                "files of words beside the index that are damaged or out of date: {count};"
                " the next question has them made anew",
                count=problem.count,
            )
        case _:
            assert_never(problem.kind)


async def migrate_index(
    settings: Settings, *, keep_old: bool, quiet: bool, language: Language
) -> int:
    """Move the index to the space of the encoder in force, with progress on stderr.

    Raises:
        EmbedError: there is no encoder, or it fails; what is done is kept.
        StoreError: another process migrates the index, or it cannot be written.
    """
    async with open_maintenance(settings) as maintenance:
        space = (await maintenance.stats()).space
        embedder, problems = await choose_migration_target(settings, space=space)
        if embedder is None:
            reason = problems[0] if problems else Message('embed.provider is "none"')
            leaves_server = settings.embed.provider == "auto" and space.startswith("ollama:")
            raise EmbedError(
                Message("there is no encoder to migrate to: {reason}", reason=reason),
                hint=LEAVE_SERVER if leaves_server else NO_MESSAGE,
            )
        migration = SpaceMigration(maintenance=maintenance, embedder=embedder, keep_old=keep_old)
        lines = _ProgressLines(language=language, quiet=quiet)
        try:
            # Before the first batch, whose rate it would spoil.
            await prepare_encoder(embedder, lines.end)
            async with aclosing(migration.run()) as progress:
                async for each in progress:
                    lines.show(each)
        except asyncio.CancelledError:
            # "stopped" is said by whoever ends the command.
            lines.end(Message("what is done is kept: the next call goes on"))
            raise
        finally:
            lines.end()  # whatever is raised is written on a line of its own
            await embedder.close()
    return 0


class _ProgressLines:
    """Shows how far a migration is: one line drawn again on a terminal, few lines elsewhere."""

    def __init__(self, *, language: Language, quiet: bool) -> None:
        self._language = language
        self._quiet = quiet
        self._redraws = sys.stderr.isatty()
        self._next = 0
        self._is_open = False

    def show(self, progress: MigrationProgress) -> None:
        """Show the progress, or the end."""
        if progress.is_done:
            self.end(
                Message(
                    "the index is in the space {space}: {embedded} of {chunks} with vectors",
                    space=progress.space,
                    embedded=progress.embedded,
                    chunks=count_chunks(progress.chunks),
                )
            )
            if progress.foreign:
                foreign = Message(
                    "{chunks} in languages that the encoder does not know, found by words",
                    chunks=count_chunks(progress.foreign),
                )
                print_note(foreign, self._language)
            if progress.failed:
                failed = Message(
                    "{chunks} without a vector, found by words: {reason}",
                    chunks=count_chunks(progress.failed),
                    reason=progress.reason,
                )
                print_note(failed, self._language)
            return
        if self._quiet or (not self._redraws and progress.embedded < self._next):
            return
        self._next = progress.embedded + max(1, int(progress.chunks * LINE_EVERY))
        line = Message(
            "{embedded} of {chunks} embedded",
            embedded=progress.embedded,
            chunks=count_chunks(progress.chunks),
        )
        if progress.seconds_left is not None:
            line = Message(
                "{line}, {rate:.1f} a second, {minutes}:{seconds:02d} left",
                line=line,
                rate=progress.rate,
                minutes=int(progress.seconds_left) // 60,
                seconds=int(progress.seconds_left) % 60,
            )
        text = line.localize(self._language)
        # Erase to the end of the line (ECMA-48, EL): the new one may be shorter.
        click.echo(f"\r{text}\x1b[K" if self._redraws else text, err=True, nl=not self._redraws)
        self._is_open = self._redraws

    def end(self, text: Message = NO_MESSAGE) -> None:
        """Leave the line that was drawn, and write another if there is one."""
        if self._is_open:
            click.echo(err=True)
            self._is_open = False
        if text:
            click.echo(text.localize(self._language), err=True)
