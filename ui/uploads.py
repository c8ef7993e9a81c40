"""Files that a browser hands over: kept in the home, where their documents point to."""

from pathlib import Path
from typing import Any

from ingest.foundation.private_files import make_private_file
from ingest.foundation.settings import home


def keep_upload(name: str, content: Any) -> Path:
    """Keep an uploaded file in the home and return its path, which no other content has.

    Args:
        name: As the browser says it.
        content: Its bytes, or a view of them.

    Raises:
        OSError: it cannot be written.
    """
    # The name comes from a browser: of a path only its end is taken.
    wanted = home() / "library" / (Path(name.replace("\\", "/")).name.lstrip(".") or "file")
    path, number = wanted, 1
    while path.exists() and path.read_bytes() != bytes(content):
        # Another file of the same name, which a document points to.
        number += 1
        path = wanted.with_stem(f"{wanted.stem} ({number})")
    if not path.exists():
        make_private_file(path)
        path.write_bytes(content)
    return path
