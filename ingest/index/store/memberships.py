"""Which collections a document belongs to: several at once, so that projects do not mix."""

# ruff: noqa: S608  (statements are put together from our own constants; values are bound)

import json
import sqlite3
from collections.abc import Collection
from datetime import datetime

from ingest.documents import DEFAULT_COLLECTION, WEB_COLLECTION
from ingest.errors import CollectionError
from ingest.foundation.messages import Message, enumerate_names
from ingest.index.store.rows import timestamp

IS_MEMBER = (
    "{url} IN (SELECT document FROM collection_members WHERE name IN"
    " (SELECT value FROM json_each(:collections))"
    " UNION ALL SELECT url FROM documents WHERE :with_default"
    " AND url NOT IN (SELECT document FROM collection_members))"
)
"""Whether the document {url} is in one of the collections of `member_values`. One list, no OR: with
it SQLite looks up the documents of a small collection instead of asking each one there is."""


def member_condition(url: str) -> str:
    """Return the same condition for a few documents: it looks up each, and lists none."""
    own = f"SELECT 1 FROM collection_members WHERE document = {url}"
    return (
        f"(EXISTS ({own} AND name IN (SELECT value FROM json_each(:collections)))"
        f" OR :with_default AND NOT EXISTS ({own}))"
    )


def member_values(collections: Collection[str]) -> dict[str, str | bool]:
    """Return the values that `IS_MEMBER` binds."""
    return {
        "collections": json.dumps(list(collections)),
        "with_default": DEFAULT_COLLECTION in collections,
    }


def collection_counts(connection: sqlite3.Connection) -> dict[str, int]:
    """Return how many documents each collection has, by name."""
    counts = dict(
        connection.execute("SELECT name, COUNT(*) FROM collection_members GROUP BY name").fetchall()
    )
    (homeless,) = connection.execute(
        "SELECT COUNT(*) FROM documents WHERE url NOT IN (SELECT document FROM collection_members)"
    ).fetchone()
    if homeless:
        counts[DEFAULT_COLLECTION] = counts.get(DEFAULT_COLLECTION, 0) + homeless
    return dict(sorted(counts.items()))


def check_known(connection: sqlite3.Connection, collections: Collection[str]) -> None:
    """Raise `CollectionError` for a collection that has no document; "web" may have none yet."""
    for name in collections:
        (is_known,) = connection.execute(
            f"SELECT EXISTS (SELECT 1 FROM documents WHERE {IS_MEMBER.format(url='url')})",
            member_values([name]),
        ).fetchone()
        if not is_known and name != WEB_COLLECTION:
            counts = collection_counts(connection)
            raise CollectionError(
                Message("there is no collection {name!r}", name=name),
                hint=Message("there are: {names}", names=enumerate_names(counts))
                if counts
                else Message("the index is empty: ingest FILE, FOLDER or URL fills it"),
            )


def is_member(connection: sqlite3.Connection, url: str, name: str) -> bool:
    """Return whether a document was put into a collection by name."""
    row = connection.execute(
        "SELECT 1 FROM collection_members WHERE document = ? AND name = ?", (url, name)
    ).fetchone()
    return row is not None


def put_member(connection: sqlite3.Connection, url: str, name: str) -> None:
    """Put a document into a collection, beside those that it is in. Without it: nothing."""
    connection.execute(
        "INSERT OR IGNORE INTO collection_members (document, name)"
        " SELECT url, ? FROM documents WHERE url = ?",
        (name, url),
    )


def remove_members(connection: sqlite3.Connection, urls: Collection[str], name: str) -> list[str]:
    """Take documents out of a collection; return those that are in no other."""
    values = (json.dumps(list(urls)),)
    alone = [
        url
        for (url,) in connection.execute(
            "SELECT url FROM documents WHERE url IN (SELECT value FROM json_each(?)) AND NOT EXISTS"
            " (SELECT 1 FROM collection_members WHERE document = url AND name <> ?)",
            (*values, name),
        ).fetchall()
    ]
    # Those that are alone in it stay members until they are deleted: killed in between, they would
    # turn up in the default collection.
    connection.execute(
        "DELETE FROM collection_members WHERE name = ? AND document IN"
        " (SELECT value FROM json_each(?)) AND document NOT IN (SELECT value FROM json_each(?))",
        (name, *values, json.dumps(alone)),
    )
    return alone


def expired_urls(connection: sqlite3.Connection, *, before: datetime, limit: int) -> list[str]:
    """Return pages that are in the collection of the web alone, last confirmed before then."""
    rows = connection.execute(
        "SELECT url FROM documents JOIN collection_members ON document = url AND name = ?"
        " WHERE fetched_at < ? AND NOT EXISTS (SELECT 1 FROM collection_members o"
        " WHERE o.document = url AND o.name <> ?) ORDER BY fetched_at LIMIT ?",
        (WEB_COLLECTION, timestamp(before), WEB_COLLECTION, limit),
    ).fetchall()
    return [url for (url,) in rows]


def member_chunks(connection: sqlite3.Connection, collections: Collection[str]) -> set[int]:
    """Return the numbers of the chunks of all documents in one of `collections`."""
    rows = connection.execute(
        f"SELECT number FROM chunks WHERE {IS_MEMBER.format(url='url')}",
        member_values(collections),
    )
    return {number for (number,) in rows}
