"""Files of models: written whole or not at all, and copied without taking the space twice."""

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

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
"""No room on the disk, in the quota, or under the limit on one file's size."""


@contextlib.contextmanager
def writing(target: Path) -> Iterator[Path]:
    """Yield a path to write to; it takes the place of `target` (file or folder) at the end.

    If the block fails, the old `target` stays and what was begun is deleted.

    Raises:
        ExportError: the disk does not take it; the message names the place.
    """
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        yield part
        _replace(part, target)
    except (OSError, SafetensorError) as error:
        raise cannot_write(target, error) from error
    finally:
        _remove(part)


def cannot_write(target: Path, error: OSError | SafetensorError) -> ExportError:
    """Return the error for a file that the disk does not take."""
    code = error.errno if isinstance(error, OSError) else None
    told = re.search(r"\(os error (\d+)\)", str(error))  # safetensors' way
    short = re.search(r"\d+ requested and \d+ written", str(error))  # numpy's
    if code in FULL or (told and int(told[1]) in FULL) or short:
        return ExportError(
            Message("the disk is full: {target} was not written", target=target),
            hint=Message(
                "free some space, then run the same command again; what was there before stays"
            ),
        )
    detail = str(error)[:200]
    reason = describe_os_error(error) if isinstance(error, OSError) else Message.verbatim(detail)
    return ExportError(Message("cannot write {target}", target=target), hint=reason)


def require_space(folder: Path, needed: int) -> None:
    """Refuse work for which the disk under `folder` has not `needed` bytes left.

    Raises:
        ExportError: it has not; nothing was written.
    """
    place = next(one for one in (folder, *folder.absolute().parents) if one.exists())
    free = shutil.disk_usage(place).free
    if free < needed:
        raise ExportError(
            Message(
                "{folder} needs {needed}, the disk has {free} left",
                folder=folder,
                needed=gigabytes(needed),
                free=gigabytes(free),
            ),
            hint=Message("free some space, or set a folder on another disk"),
        )


def gigabytes(count: int) -> str:
    """Return a number of bytes as people read it: "3.6 GB", "12 MB"."""
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"


def tensor_files(folder: Path) -> Iterator[tuple[Path, str, tuple[int, ...]]]:
    """Yield file, name and shape of all tensors in a folder's safetensors; reads headers alone.

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
            with safe_open(path, framework="np") as file:
                for name in file.keys():  # noqa: SIM118  no mapping
                    yield path, name, tuple(file.get_slice(name).get_shape())
        except (OSError, SafetensorError) as error:
            raise BaseModelError(
                Message("{path} is broken", path=path),
                hint=Message("download or train the model again"),
            ) from error


def place(source: Path, target: Path) -> None:
    """Let `target` hold what `source` holds: a second name where the disk can, else a copy."""
    try:
        os.link(source, target)
    except OSError:  # another disk, or a file system without links
        shutil.copyfile(source, target)


def _replace(part: Path, target: Path) -> None:
    if target.is_dir():
        old = target.with_name(f".{target.name}.{os.getpid()}.old")
        target.rename(old)
        part.rename(target)
        shutil.rmtree(old)
    else:
        part.replace(target)


def _remove(part: Path) -> None:
    if part.is_dir():
        shutil.rmtree(part, ignore_errors=True)
    else:
        part.unlink(missing_ok=True)
