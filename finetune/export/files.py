"""Files of models: replaced atomically, and copied without taking the disk space twice."""

import contextlib
import errno
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from safetensors import SafetensorError, safe_open

from finetune.errors import BaseModelError, ExportError
from ingest.foundation.messages import Message, describe_os_error

DISK_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
"""No space on the disk, in the quota, or under the limit on one file's size."""

DETAIL_CHARACTERS = 200
"""Characters of another library's error message that are passed on."""


@contextlib.contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """Yield a path to write to; at the end it replaces `target` (file or folder).

    If the block fails, the old `target` stays and what was written is deleted.

    Raises:
        ExportError: the disk is full or cannot be written; the message names `target`.
    """
    # Beside the target, as a rename works within one file system only; hidden, so that no program
    # takes half a model for one.
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        yield part
        if target.is_dir():
            # A folder cannot be renamed onto one that holds files (POSIX: ENOTEMPTY).
            old = target.with_name(f".{target.name}.{os.getpid()}.old")
            target.rename(old)
            part.rename(target)
            shutil.rmtree(old)
        else:
            part.replace(target)
    except (OSError, SafetensorError) as error:
        raise write_failure(target, error) from error
    finally:
        if part.is_dir():
            shutil.rmtree(part, ignore_errors=True)
        else:
            part.unlink(missing_ok=True)


def write_failure(target: Path, error: OSError | SafetensorError) -> ExportError:
    """Return the error for a file that cannot be written."""
    code = error.errno if isinstance(error, OSError) else None
    # safetensors has the number in its message alone, numpy's `tofile` has none at all.
    in_text = re.search(r"\(os error (\d+)\)", str(error))
    short_write = re.search(r"\d+ requested and \d+ written", str(error))
    if code in DISK_FULL or (in_text and int(in_text[1]) in DISK_FULL) or short_write:
        return ExportError(
            Message("the disk is full: {target} was not written", target=target),
            hint=Message(
                "free some space, then run the same command again; what was there before stays"
            ),
        )
    detail = str(error)[:DETAIL_CHARACTERS]
    reason = describe_os_error(error) if isinstance(error, OSError) else Message.verbatim(detail)
    return ExportError(Message("cannot write {target}", target=target), hint=reason)


def require_space(folder: Path, needed: int) -> None:
    """Check that the disk under `folder` has `needed` bytes left.

    Raises:
        ExportError: it has not; nothing was written.
    """
    existing = next(one for one in (folder, *folder.absolute().parents) if one.exists())
    free = shutil.disk_usage(existing).free
    if free < needed:
        raise ExportError(
            Message(
                "{folder} needs {needed}, the disk has {free} left",
                folder=folder,
                needed=format_bytes(needed),
                free=format_bytes(free),
            ),
            hint=Message("free some space, or set a folder on another disk"),
        )


def format_bytes(count: int) -> str:
    """Return a number of bytes for people: "3.6 GB", "12 MB"."""
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"


def iterate_tensors(folder: Path) -> Iterator[tuple[Path, str, tuple[int, ...]]]:
    """Yield file, name and shape of all tensors in a folder's safetensors.

    Raises:
        BaseModelError: there are none, or a file is cut short.
    """
    paths = sorted(folder.glob("*.safetensors"))
    if not paths:
        raise BaseModelError(
            Message("{folder} has no *.safetensors", folder=folder),
            hint=Message("download or train the model again"),
        )
    for path in paths:
        try:
            # Slices read the header alone: a model of 3 GB takes milliseconds.
            with safe_open(path, framework="np") as file:
                for name in file.keys():  # noqa: SIM118  no mapping
                    yield path, name, tuple(file.get_slice(name).get_shape())
        except (OSError, SafetensorError) as error:
            raise BaseModelError(
                Message("{path} is broken", path=path),
                hint=Message("download or train the model again"),
            ) from error


def link_or_copy(source: Path, target: Path) -> None:
    """Create `target` as a hard link to `source` where the disk can, else as a copy."""
    try:
        os.link(source, target)
    except OSError:  # another disk, or a file system without links
        shutil.copyfile(source, target)
