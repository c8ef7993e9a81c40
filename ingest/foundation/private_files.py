"""Files and folders that their owner alone may read."""

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

OWNER_ONLY_FOLDER = 0o700
OWNER_ONLY_FILE = 0o600


def make_private_folder(folder: Path) -> None:
    """Create `folder` and its parents, for its owner alone; one that is there stays as it is.

    A person who named a folder that others may read, such as one of a project, meant it.

    Raises:
        OSError: it cannot be created.
    """
    # mkdir(parents=True) gives the mode to the last folder only, which is the one that is ours.
    folder.mkdir(mode=OWNER_ONLY_FOLDER, parents=True, exist_ok=True)


def make_private_file(path: Path) -> None:
    """Create an empty file for its owner alone, or take others' rights to the one that is there.

    Raises:
        OSError: it cannot be created.
    """
    make_private_folder(path.parent)
    # Not by `touch`, whose mode the umask of the process could only narrow from 0666.
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, OWNER_ONLY_FILE))
    if path.stat().st_mode & 0o077:
        with suppress(PermissionError):  # another user's file that we may write to
            path.chmod(OWNER_ONLY_FILE)


def hide_from_others(paths: Iterable[Path]) -> None:
    """Take others' rights to files and folders that are there, as far as they are ours to change.

    Older versions, and libraries that know no mode, leave files as the umask has them.
    """
    for path in paths:
        # It may go meanwhile, stand on read-only media, or belong to another user.
        with suppress(OSError):
            mode = path.stat().st_mode
            # A link is left alone: what it leads to may be a folder for all users.
            if mode & 0o077 and not path.is_symlink():
                path.chmod(mode & OWNER_ONLY_FOLDER)
