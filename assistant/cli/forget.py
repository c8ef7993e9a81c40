"""`assistant forget`: kept answers deleted, some or all."""

from collections.abc import Sequence

import click

from assistant.cli.explain import open_kept_answers
from assistant.conversations.store import ConversationStore, conversations_path
from assistant.errors import SnapshotChoiceError
from assistant.settings import Settings
from assistant.snapshots.store import delete_snapshots
from ingest.foundation.messages import Language, Message


def forget_answers(
    settings: Settings, *, names: Sequence[str], everything: bool, language: Language
) -> int:
    """Delete kept answers, and say how many.

    Raises:
        SnapshotChoiceError: nothing was named, or ids and all.
        SnapshotError: a name is unknown, or the file cannot be written.
    """
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
    return 0
