"""`assistant forget`: kept answers deleted, some or all, and with all what else tells of them."""

import contextlib
from collections.abc import Sequence

import click

from assistant.cli.explain import open_kept_answers
from assistant.conversations.store import ConversationStore, conversations_path
from assistant.errors import SnapshotChoiceError
from assistant.settings import Settings
from assistant.snapshots.store import delete_snapshots
from ingest.bootstrap import RUNS, open_cache
from ingest.bulk.archives import delete_unpacked
from ingest.bulk.journal import RunJournal
from ingest.foundation.messages import Language, Message
from ingest.report import print_note
from ingest.web_bootstrap import UNPACKED


def forget_answers(
    settings: Settings, *, names: Sequence[str], everything: bool, language: Language
) -> int:
    """Delete kept answers, and say how many; return 1 if something that was to go is still there.

    Raises:
        SnapshotChoiceError: nothing was named, or ids and all.
        SnapshotError: a name is unknown, or the file cannot be written.
        RunJournalError: what is kept of runs of `ingest` cannot be deleted.
    """
    has_left_traces = False
    if everything and names:
        raise SnapshotChoiceError(
            Message("ids and --all are given together"),
            hint=Message("leave out the ids, or --all"),
        )
    if everything:
        count = delete_snapshots(settings.snapshots.path)
        # The conversations of the page hold the same answers, and what was said of them.
        if (path := conversations_path()).exists():
            with ConversationStore(path) as conversations:
                cleared = Message("conversations deleted: {count}", count=conversations.clear())
            click.echo(cleared.localize(language), err=True)
        has_left_traces = _forget_traces(settings, language)
    elif names:
        with open_kept_answers(settings.snapshots) as store:
            count = store.remove(names)
    else:
        raise SnapshotChoiceError(
            Message("which answers?"),
            hint=Message("name their ids (assistant history), or all: assistant forget --all"),
        )
    text = Message("kept answers deleted: {count}", count=count)
    if count is None:
        text = Message("the file of kept answers was damaged and is deleted")
    click.echo(text.localize(language), err=True)
    return 1 if has_left_traces else 0


def _forget_traces(settings: Settings, language: Language) -> bool:
    """Delete what tells of searches and of what was stored; return whether some of it is left."""
    folder = settings.index.path
    runs = running = 0
    delete_unpacked(folder / UNPACKED)
    if (folder / RUNS).exists():
        with contextlib.closing(RunJournal(folder / RUNS)) as journal:
            runs, running = journal.forget_runs()
    if runs:
        text = Message("runs of ingest deleted: {count}", count=runs)
        click.echo(text.localize(language), err=True)
    if running:
        text = Message("runs of ingest that are under way keep their lists: {count}", count=running)
        print_note(text, language)
    if not folder.is_dir():
        return False
    with contextlib.closing(open_cache(settings)) as cache:
        is_empty = cache.clear()
    if not is_empty:
        text = Message("kept searches are in use by another process: try again when it has ended")
        print_note(text, language)
    return bool(running) or not is_empty
