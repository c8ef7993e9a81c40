"""What the index holds, document by document: lists, look-ups and growth, by SQL alone."""

# ruff: noqa: S608  (statements are put together from our own constants; values are bound)

import difflib
import json
import sqlite3
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from urllib.parse import urlsplit

from ingest.documents import DEFAULT_COLLECTION, Chunk, PageValidators
from ingest.foundation.messages import Message
from ingest.index.store.memberships import IS_MEMBER, member_values
from ingest.index.store.rows import CHUNK, CHUNKS, PAGE, timestamp, to_chunk, to_validators

ListOrder = Literal["date", "title", "url", "chunks"]

NEAREST = 3
"""URLs offered for one that is unknown: more are a list that no person reads."""
NEAREST_CANDIDATES = 5_000
"""URLs compared with it: half a second of difflib."""
NEAREST_CUTOFF = 0.6
"""Least similarity (difflib's ratio) of a URL that is offered."""

_ORDERS: dict[ListOrder, str] = {
    "date": "d.fetched_at DESC, d.url",
    "title": "d.title, d.url",
    "url": "d.url",
    "chunks": "chunks DESC, d.url",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentFilter:
    """Which documents are meant: those for which all that is given holds. Empty: every one."""

    urls: tuple[str, ...] = ()
    """URLs of documents, exactly."""
    host: str = ""
    """A host; its subdomains belong to it."""
    folder: str = ""
    """URL of a folder (file:///…), with or without "/" at its end; what is below it belongs to it.
    """
    language: str = ""
    """ISO 639-1 code."""
    since: datetime | None = None
    """Fetched at or after; aware."""
    before: datetime | None = None
    """Fetched before; aware."""
    collection: str = ""
    """In this collection, whatever else they are in."""

    def __bool__(self) -> bool:
        return self != EVERY_DOCUMENT


EVERY_DOCUMENT = DocumentFilter()


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentLine:
    """One document in a list, without its text."""

    url: str
    title: str
    language: str
    fetched_at: datetime
    characters: int
    """Characters of its text."""
    chunks: int
    collections: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkState:
    """A chunk and what is known of its vectors."""

    chunk: Chunk
    vectors: dict[str, int]
    """Dimensions by vector space."""
    failures: dict[str, Message]
    """Why it could not be embedded, by vector space."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """What was last fetched in one month."""

    month: str
    """YYYY-MM, in UTC."""
    documents: int
    characters: int


def define_host_of(connection: sqlite3.Connection) -> None:
    """Let the statements of this module call `host_of`."""
    connection.create_function("host_of", 1, host_of, deterministic=True)


def host_of(url: str) -> str:
    """Return the host of a URL, lower case, without port; "" for files."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def document_lines(
    connection: sqlite3.Connection, wanted: DocumentFilter, *, order: ListOrder = "url"
) -> list[DocumentLine]:
    """Return the documents that are meant, in order ("date": the newest first)."""
    define_host_of(connection)
    where, values = _conditions(wanted)
    rows = connection.execute(
        "SELECT d.url, d.title, d.language, d.fetched_at, length(d.text),"
        " (SELECT COUNT(*) FROM chunks c WHERE c.url = d.url) AS chunks,"
        " (SELECT json_group_array(name) FROM collection_members WHERE document = d.url)"
        f" FROM documents d WHERE {where} ORDER BY {_ORDERS[order]}",
        values,
    ).fetchall()
    return [
        DocumentLine(
            url=url,
            title=title,
            language=language,
            fetched_at=datetime.fromisoformat(fetched_at),
            characters=characters,
            chunks=chunks,
            collections=tuple(sorted(json.loads(names) or [DEFAULT_COLLECTION])),
        )
        for url, title, language, fetched_at, characters, chunks, names in rows
    ]


def _conditions(wanted: DocumentFilter) -> tuple[str, dict[str, Any]]:
    """Return the condition on `documents d`, and the values bound in it."""
    folder = f"{wanted.folder.rstrip('/')}/" if wanted.folder else ""
    conditions = {
        "d.url IN (SELECT value FROM json_each(:urls))": wanted.urls,
        # The dot before it: "notexample.com" is no subdomain of "example.com".
        "substr('.' || host_of(d.url), -length(:host) - 1) = '.' || :host": wanted.host,
        # Not LIKE, here and above: names may hold % and _.
        "substr(d.url, 1, length(:folder)) = :folder": folder,
        "d.language = :language": wanted.language,
        "d.fetched_at >= :since": wanted.since,
        "d.fetched_at < :before": wanted.before,
        IS_MEMBER.format(url="d.url"): wanted.collection,
    }
    values = {
        "urls": json.dumps(wanted.urls),
        "host": wanted.host.lower().rstrip("."),
        "folder": folder,
        "language": wanted.language,
        "since": timestamp(wanted.since) if wanted.since else None,
        "before": timestamp(wanted.before) if wanted.before else None,
        **member_values([wanted.collection]),
    }
    return " AND ".join([text for text, given in conditions.items() if given] or ["1"]), values


def select_documents(connection: sqlite3.Connection, wanted: DocumentFilter) -> None:
    """Put the URLs of the documents that are meant into the temporary table `selected`."""
    define_host_of(connection)
    where, values = _conditions(wanted)
    connection.execute("DROP TABLE IF EXISTS temp.selected")
    connection.execute("CREATE TEMP TABLE selected (url TEXT PRIMARY KEY) WITHOUT ROWID")
    connection.execute(f"INSERT INTO selected SELECT d.url FROM documents d WHERE {where}", values)


def document_behind(connection: sqlite3.Connection, url: str) -> str | None:
    """Return the URL of the document that `url` names, or once redirected to; None if none."""
    row = connection.execute(
        "SELECT url FROM documents WHERE url = :url"
        " UNION ALL SELECT document FROM pages WHERE url = :url LIMIT 1",
        {"url": url},
    ).fetchone()
    return str(row[0]) if row else None


def nearest_urls(connection: sqlite3.Connection, url: str) -> list[str]:
    """Return the stored URLs that look most like `url`, best first."""
    define_host_of(connection)
    # Of the same host first: they are what a person means who has mistaken the path.
    rows = connection.execute(
        "SELECT url FROM documents ORDER BY host_of(url) <> ?, url LIMIT ?",
        (host_of(url), NEAREST_CANDIDATES),
    ).fetchall()
    return difflib.get_close_matches(
        url, [name for (name,) in rows], n=NEAREST, cutoff=NEAREST_CUTOFF
    )


def chunk_states(connection: sqlite3.Connection, url: str) -> list[ChunkState]:
    """Return the chunks of one document in order, with what is known of their vectors."""
    rows = connection.execute(
        f"SELECT {CHUNK}, (SELECT json_group_object(space, length(vector) / 4) FROM embeddings"
        " WHERE chunk = c.number), (SELECT json_group_object(space, json(reason))"
        f" FROM embed_failures WHERE chunk = c.number) FROM {CHUNKS}"
        " WHERE c.url = ? ORDER BY c.position",
        (url,),
    ).fetchall()
    return [
        ChunkState(
            chunk=to_chunk(row[:8]),
            vectors=json.loads(row[8]),
            failures={
                space: Message.from_translations(reason)
                for space, reason in json.loads(row[9]).items()
            },
        )
        for row in rows
    ]


def pages_of(connection: sqlite3.Connection, url: str) -> list[PageValidators]:
    """Return what is kept of the downloads that led to one document."""
    rows = connection.execute(
        f"SELECT {PAGE} FROM pages WHERE document = ? ORDER BY url", (url,)
    ).fetchall()
    return [to_validators(row) for row in rows]


def growth(connection: sqlite3.Connection) -> list[Growth]:
    """Return what was last fetched in each month, the oldest first."""
    rows = connection.execute(
        "SELECT substr(fetched_at, 1, 7), COUNT(*), SUM(length(text)) FROM documents"
        " GROUP BY 1 ORDER BY 1"
    ).fetchall()
    return [
        Growth(month=month, documents=documents, characters=characters)
        for month, documents, characters in rows
    ]


def documents_by_host(connection: sqlite3.Connection) -> dict[str, int]:
    """Return how many documents each host has, most first; "" counts files."""
    define_host_of(connection)
    return dict(
        connection.execute(
            "SELECT host_of(url), COUNT(*) FROM documents GROUP BY 1 ORDER BY 2 DESC, 1"
        ).fetchall()
    )


def documents_by_language(connection: sqlite3.Connection) -> dict[str, int]:
    """Return how many documents each language has, most first; "" counts those unknown."""
    return dict(
        connection.execute(
            "SELECT language, COUNT(*) FROM documents GROUP BY 1 ORDER BY 2 DESC, 1"
        ).fetchall()
    )


def merge_words(connection: sqlite3.Connection) -> None:
    """Let go of the words of deleted chunks, and empty the log that still holds them."""
    # FTS5 only marks what is deleted; its segments hold the words until they are merged.
    connection.execute("INSERT INTO words (words) VALUES ('optimize')")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
