"""Conversations in one SQLite file: one store for the page and the terminal."""

import json
import secrets
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from assistant.conversations.feedback import Feedback
from assistant.conversations.turns import ConversationTurn, dump_events, load_events
from assistant.errors import ConversationError, ConversationNotFoundError
from ingest.foundation.messages import Message, describe_os_error
from ingest.foundation.settings import home
from ingest.foundation.sqlite_files import UnknownFormatError, open_private_database, transaction

FORMAT = 1
"""Kept in `PRAGMA user_version`. A file of another format is left alone."""

BUSY_S = 1.0
"""Seconds to wait for another process's write, which takes milliseconds."""

ID_BYTES = 9
"""Twelve characters in an address: too many to be guessed."""

UNDO_S = 7 * 86_400.0
"""A deleted conversation can be brought back so long; then its text is overwritten."""

_TABLES = (
    """CREATE TABLE conversations (
        id TEXT PRIMARY KEY, title TEXT NOT NULL, created REAL NOT NULL, updated REAL NOT NULL,
        deleted REAL
    ) STRICT, WITHOUT ROWID""",
    "CREATE INDEX conversations_by_time ON conversations (updated)",
    """CREATE TABLE turns (
        conversation TEXT NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
        number INTEGER NOT NULL, question TEXT NOT NULL, web INTEGER NOT NULL,
        state TEXT NOT NULL, seconds REAL NOT NULL, asked REAL NOT NULL,
        text TEXT NOT NULL, body BLOB NOT NULL,
        PRIMARY KEY (conversation, number)
    ) STRICT""",
    """CREATE TABLE feedback (
        conversation TEXT NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
        number INTEGER NOT NULL, rating TEXT NOT NULL, reasons TEXT NOT NULL,
        correction TEXT NOT NULL, row TEXT NOT NULL,
        PRIMARY KEY (conversation, number)
    ) STRICT""",
)
_ADDED_TABLES = (
    # Beside the turns and not a column of them: a version that does not know it reads the rest.
    """CREATE TABLE IF NOT EXISTS turn_collections (
        conversation TEXT NOT NULL, number INTEGER NOT NULL, names TEXT NOT NULL,
        PRIMARY KEY (conversation, number),
        FOREIGN KEY (conversation, number) REFERENCES turns (conversation, number)
            ON DELETE CASCADE
    ) STRICT""",
)
"""Tables that files of the format may lack."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationLine:
    """One conversation in a list."""

    id: str
    title: str
    updated_at: datetime
    """Time of its last turn, in UTC."""


def conversations_path() -> Path:
    """Return the file that conversations are kept in."""
    return home() / "conversations.sqlite"


def new_conversation_id() -> str:
    """Return an id that no other conversation has, fit for an address."""
    return secrets.token_urlsafe(ID_BYTES)


class ConversationStore:
    """Reads and writes conversations, from any thread; any number of processes."""

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.time) -> None:
        """Open or create the file, readable by its owner alone.

        Raises:
            ConversationError: it cannot be opened, is damaged, or is of another format.
        """
        self._path = path
        self._clock = clock
        self._lock = threading.Lock()
        with self._errors():
            self._connection = self._open()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file. May be called twice."""
        with self._lock:
            self._connection.close()

    def lines(self, *, search: str = "", limit: int = 200) -> list[ConversationLine]:
        """Return the conversations, the last used first; with `search`, those that hold it.

        Title, questions and answers are searched, in any case of ASCII letters.
        """
        # instr on lower case and not LIKE, which takes _ and % for any character.
        wanted = search.strip().lower()
        with self._errors():
            rows = self._connection.execute(
                "SELECT id, title, updated FROM conversations AS c WHERE deleted IS NULL AND"
                " (:wanted = '' OR instr(lower(title), :wanted) OR EXISTS ("
                "  SELECT 1 FROM turns WHERE conversation = c.id AND"
                "  (instr(lower(question), :wanted) OR instr(lower(text), :wanted))))"
                " ORDER BY updated DESC LIMIT :limit",
                {"wanted": wanted, "limit": limit},
            ).fetchall()
        return [
            ConversationLine(id=id_, title=title, updated_at=datetime.fromtimestamp(updated, UTC))
            for id_, title, updated in rows
        ]

    def title(self, conversation: str) -> str | None:
        """Return the title; None where there is no such conversation, or it is deleted."""
        with self._errors():
            row = self._connection.execute(
                "SELECT title FROM conversations WHERE id = ? AND deleted IS NULL", (conversation,)
            ).fetchone()
        return None if row is None else str(row[0])

    def is_deleted(self, conversation: str) -> bool:
        """Whether a conversation of this id was deleted, and can still be brought back."""
        with self._errors():
            row = self._connection.execute(
                "SELECT 1 FROM conversations WHERE id = ? AND deleted IS NOT NULL", (conversation,)
            ).fetchone()
        return row is not None

    def turns(self, conversation: str, *, start: int = 0) -> tuple[ConversationTurn, ...]:
        """Return the turns from number `start` on; one whose events cannot be read lacks them.

        Raises:
            ConversationNotFoundError: there is none of this id, or it is deleted.
        """
        if self.title(conversation) is None:
            raise _not_found()
        with self._errors():
            rows = self._connection.execute(
                "SELECT number, question, web, state, seconds, asked, body, names FROM turns"
                " LEFT JOIN turn_collections USING (conversation, number)"
                " WHERE conversation = ? AND number >= ? ORDER BY number",
                (conversation, start),
            ).fetchall()
        turns = []
        for number, question, web, state, seconds, asked_s, body, names in rows:
            try:
                events = load_events(body)
            except ValueError:  # the others can be read: they need not go with it
                events = ()
            turns.append(
                ConversationTurn(
                    number=number,
                    question=question,
                    web=bool(web),
                    state=state,
                    seconds=seconds,
                    asked_at=datetime.fromtimestamp(asked_s, UTC),
                    collections=tuple(json.loads(names)) if names else (),
                    events=events,
                )
            )
        return tuple(turns)

    def put_turn(self, conversation: str, turn: ConversationTurn, *, title: str) -> None:
        """Keep a turn, in place of one of the same number; begin the conversation if it is new.

        Args:
            conversation: Its id.
            turn: What is kept.
            title: Of a conversation that begins with it; another one keeps its title.

        Raises:
            ConversationNotFoundError: the conversation was deleted meanwhile, or all were.
        """
        body, now = dump_events(turn.events), self._clock()
        with self._errors(), transaction(self._connection):
            row = self._connection.execute(
                "SELECT deleted FROM conversations WHERE id = ?", (conversation,)
            ).fetchone()
            # Written anyway, it would bring back what a person has deleted.
            if row[0] is not None if row else turn.number > 0:
                raise _not_found()
            self._connection.execute(
                "INSERT INTO conversations (id, title, created, updated) VALUES (?, ?, ?, ?)"
                " ON CONFLICT (id) DO UPDATE SET updated = excluded.updated",
                (conversation, title, now, now),
            )
            self._connection.execute(
                "INSERT OR REPLACE INTO turns"
                " (conversation, number, question, web, state, seconds, asked, text, body)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    conversation,
                    turn.number,
                    turn.question,
                    turn.web,
                    turn.state,
                    turn.seconds,
                    turn.asked_at.timestamp(),
                    turn.text,
                    body,
                ),
            )
            if turn.collections:
                names = json.dumps(turn.collections, ensure_ascii=False)
                self._connection.execute(
                    "INSERT OR REPLACE INTO turn_collections VALUES (?, ?, ?)",
                    (conversation, turn.number, names),
                )

    def remove_turns(self, conversation: str, *, start: int) -> None:
        """Delete the turns from number `start` on: an edited question begins again from there."""
        with self._errors(), transaction(self._connection):
            self._connection.execute(
                "DELETE FROM turns WHERE conversation = ? AND number >= ?", (conversation, start)
            )
            # What was said of them is still true, but not of the turns that come in their place.
            self._connection.execute(
                "UPDATE feedback SET number = -rowid WHERE conversation = ? AND number >= ?",
                (conversation, start),
            )

    def put_feedback(
        self, conversation: str, number: int, feedback: Feedback, row: Mapping[str, Any]
    ) -> None:
        """Keep what a reader says of a turn, in place of what was said before.

        It stays when the turn is asked again, and goes with its conversation.

        Args:
            conversation: Its id.
            number: Of the turn.
            feedback: As the page shows it again.
            row: As training reads it (`feedback_row`).
        """
        body = json.dumps(row, ensure_ascii=False)
        reasons = ",".join(feedback.reasons)
        with self._errors(), transaction(self._connection):
            self._connection.execute(
                "INSERT OR REPLACE INTO feedback"
                " (conversation, number, rating, reasons, correction, row)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (conversation, number, feedback.rating, reasons, feedback.correction, body),
            )

    def feedback(self, conversation: str) -> dict[int, Feedback]:
        """Return what readers said of the turns of a conversation, by their number."""
        with self._errors():
            rows = self._connection.execute(
                "SELECT number, rating, reasons, correction FROM feedback"
                " WHERE conversation = ? AND number >= 0",
                (conversation,),
            ).fetchall()
        found = {
            number: Feedback.checked(rating, reasons.split(","), correction)
            for number, rating, reasons, correction in rows
        }
        return {number: one for number, one in found.items() if one is not None}

    def feedback_rows(self) -> list[str]:
        """Return all rows for training, each one line of JSON; not those of deleted ones."""
        with self._errors():
            rows = self._connection.execute(
                "SELECT row FROM feedback JOIN conversations ON id = conversation"
                " WHERE deleted IS NULL ORDER BY created, number"
            ).fetchall()
        return [row for (row,) in rows]

    def rename(self, conversation: str, title: str) -> None:
        """Give a conversation another title; a blank one changes nothing.

        Raises:
            ConversationNotFoundError: there is none of this id, or it is deleted.
        """
        if not (shown := " ".join(title.split())):
            return
        self._change("SET title = ? WHERE id = ? AND deleted IS NULL", (shown, conversation))

    def delete(self, conversation: str) -> None:
        """Delete a conversation, for `UNDO_S` seconds so that `restore` can bring it back.

        Raises:
            ConversationNotFoundError: there is none of this id, or it is deleted already.
        """
        self._change(
            "SET deleted = ? WHERE id = ? AND deleted IS NULL", (self._clock(), conversation)
        )

    def restore(self, conversation: str) -> None:
        """Bring back a conversation that was deleted.

        Raises:
            ConversationNotFoundError: it was deleted permanently.
        """
        self._change("SET deleted = NULL WHERE id = ?", (conversation,))

    def clear(self) -> int:
        """Delete all conversations permanently; return how many."""
        with self._errors():
            with transaction(self._connection):
                deleted = self._connection.execute("DELETE FROM conversations").rowcount
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return deleted

    def _change(self, assignment: str, values: tuple[object, ...]) -> None:
        with self._errors():
            changed = self._connection.execute(f"UPDATE conversations {assignment}", values)
        if not changed.rowcount:
            raise _not_found()

    def _open(self) -> sqlite3.Connection:
        try:
            connection = open_private_database(
                self._path, tables=_TABLES, file_format=FORMAT, busy_s=BUSY_S
            )
        except UnknownFormatError as error:
            raise ConversationError(
                Message("the conversations in {path} are of another version", path=self._path),
                # Not deleted: the version that wrote them can read them.
                hint=Message("update this one, or move the file away"),
            ) from error
        try:
            too_old = self._clock() - UNDO_S
            connection.execute("DELETE FROM conversations WHERE deleted < ?", (too_old,))
            for statement in _ADDED_TABLES:
                connection.execute(statement)
        except BaseException:
            connection.close()
            raise
        return connection

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Raise what SQLite and the disk raise as `ConversationError`; one thread at a time."""
        with self._lock:
            try:
                yield
            except sqlite3.Error as error:
                # The primary code of an extended one.
                code = getattr(error, "sqlite_errorcode", 0) & 0xFF
                if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
                    raise ConversationError(
                        Message("another process keeps {path} locked", path=self._path),
                        hint=Message("try again in a moment"),
                    ) from error
                raise ConversationError(
                    Message(
                        "conversations cannot be kept in {path}: {reason}",
                        path=self._path,
                        reason=error,
                    ),
                    hint=Message("move the file away if it is damaged; a new one is made"),
                ) from error
            except OSError as error:
                raise ConversationError(
                    Message(
                        "conversations cannot be kept in {path}: {reason}",
                        path=self._path,
                        reason=describe_os_error(error),
                    )
                ) from error


def _not_found() -> ConversationNotFoundError:
    return ConversationNotFoundError(Message("this conversation is not kept any more"))
