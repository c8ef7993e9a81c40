"""`assistant forget`: kept answers deleted, some or all, and with all what else tells of them."""

from collections.abc import Sequence

import click

from assistant.cli.explain import open_kept_answers
from assistant.conversations.store import ConversationStore, conversations_path
from assistant.errors import SnapshotChoiceError
from assistant.settings import Settings
from assistant.snapshots.store import delete_snapshots
from ingest.foundation.messages import Language, Message
from ingest.library import forget_traces
from ingest.report import print_note


def forget_answers(
    settings: Settings, *, names: Sequence[str], everything: bool, language: Language
) -> int:
    """Delete kept answers, and say how many; return 1 if something that was to go is still there.

    Raises:
        SnapshotChoiceError: nothing was named, or ids and all.
        SnapshotError: a name is unknown, or the file cannot be written.
        RunJournalError: what is kept of runs of `ingest` cannot be deleted.
    """
    left = False
    if everything and names:
        raise SnapshotChoiceError(
            Message("ids are named, and all: which is meant?"),
            hint=Message("leave out the ids, or --all"),
        )
    if everything:
        count = delete_snapshots(settings.snapshots.path)
        # The conversations of the page hold the same answers, and what was said of them.
        if (path := conversations_path()).exists():
            with ConversationStore(path) as conversations:
                cleared = Message("conversations deleted: {count}", count=conversations.clear())
            click.echo(cleared.localize(language), err=True)
        left = _forget_traces(settings, language)
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
    return 1 if left else 0


def _forget_traces(settings: Settings, language: Language) -> bool:
    """Delete what tells of searches and of what was stored; return whether some of it is left."""
    traces = forget_traces(settings)
    if traces.runs:
        text = Message("runs of ingest deleted: {count}", count=traces.runs)
        click.echo(text.localize(language), err=True)
    if traces.running:
        text = Message(
            "runs of ingest that are under way keep their lists: {count}", count=traces.running
        )
        print_note(text, language)
    if not traces.cache_is_empty:
        text = Message("kept searches are in use by another process: try again when it has ended")
        print_note(text, language)
    return bool(traces.running) or not traces.cache_is_empty
