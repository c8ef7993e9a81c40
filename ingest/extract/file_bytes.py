"""Opens files of the disk with the bounds that a download has."""

import os
import stat
from pathlib import Path

from ingest.errors import FetchError, SkipReason
from ingest.foundation.messages import NO_MESSAGE, Message, describe_os_error

MAX_FILE_BYTES = 100_000_000
"""A scanned book. Of a larger one the text alone may not fit into the reader's memory."""


def read_local_file(path: Path, *, shown: Path | None = None) -> bytes:
    """Return the content of a file, called `shown` in errors.

    Raises:
        FetchError: it cannot be opened, or is a device, a pipe or a folder ("unreachable"); it is
            larger than `MAX_FILE_BYTES` ("too_large").
    """
    try:
        # O_NONBLOCK: a pipe without a writer would never open. Asked of the open file, not of
        # the path, which may be another file by then.
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        with open(handle, "rb") as file:  # noqa: PTH123  of a handle, not a path
            status = os.fstat(handle)
            if not stat.S_ISREG(status.st_mode):
                raise _file_error(shown or path, Message("it is a device, a pipe or a socket"))
            if status.st_size > MAX_FILE_BYTES:
                size, most = status.st_size // 1_000_000, MAX_FILE_BYTES // 1_000_000
                why = Message("{size:,} MB, and at most {most} MB are read", size=size, most=most)
                hint = Message("split it into parts")
                raise _file_error(shown or path, why, reason="too_large", hint=hint)
            return file.read(MAX_FILE_BYTES)  # it may grow while we read, as logs do
    except OSError as error:
        hint = Message("check the name and the permissions")
        raise _file_error(shown or path, describe_os_error(error), hint=hint) from error


def _file_error(
    path: Path, why: Message, *, reason: SkipReason = "unreachable", hint: Message = NO_MESSAGE
) -> FetchError:
    message = Message("cannot read {path} ({why})", path=path, why=why)
    return FetchError(message, url=path.as_uri(), reason=reason, hint=hint)
