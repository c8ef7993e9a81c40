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
from ingest.foundation.messages import Wording, system_words

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
            Wording(f"the disk is full: {target} was not written", f"磁盘已满：未能写入 {target}"),
            hint=Wording(
                "free some space, then run the same command again; what was there before stays",
                "请腾出空间后重新运行同一命令；原有文件不受影响",
            ),
        )
    detail = str(error)[:200]
    reason = system_words(error) if isinstance(error, OSError) else Wording(detail, detail)
    return ExportError(Wording(f"cannot write {target}", f"无法写入 {target}"), hint=reason)


def require_space(folder: Path, needed: int) -> None:
    """Refuse work for which the disk under `folder` has not `needed` bytes left.

    Raises:
        ExportError: it has not; nothing was written.
    """
    place = next(one for one in (folder, *folder.absolute().parents) if one.exists())
    free = shutil.disk_usage(place).free
    if free < needed:
        raise ExportError(
            Wording(
                f"{folder} needs {gigabytes(needed)}, the disk has {gigabytes(free)} left",
                f"{folder} 需要 {gigabytes(needed)}，磁盘只剩 {gigabytes(free)}",
            ),
            hint=Wording("free some space, or set a folder on another disk", "请腾出空间或换磁盘"),
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
            Wording(f"{folder} has no *.safetensors", f"{folder} 中没有 *.safetensors"),
            hint=Wording("download or train the model again", "请重新下载或重新训练模型"),
        )
    for path in paths:
        try:
            with safe_open(path, framework="np") as file:
                for name in file.keys():  # noqa: SIM118  no mapping
                    yield path, name, tuple(file.get_slice(name).get_shape())
        except (OSError, SafetensorError) as error:
            raise BaseModelError(
                Wording(f"{path} is broken", f"{path} 已损坏"),
                hint=Wording("download or train the model again", "请重新下载或重新训练模型"),
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
