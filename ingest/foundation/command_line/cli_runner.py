"""How a command ends: an exit code, one clear line for what failed, and nothing left hanging."""

import asyncio
import contextlib
import errno
import os
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable, Coroutine
from typing import Any, NoReturn

import click

from ingest.foundation.errors import QiuzhengError
from ingest.foundation.messages import (
    COLON,
    Language,
    Message,
    describe_os_error,
    escape_json,
    join_messages,
    printable,
)
from ingest.foundation.startup import INTERRUPTED

BROKEN_PIPE = 141
"""128 + SIGPIPE, as shells have it: whoever read our output has closed it."""

SYSTEM_LIMITS = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EMFILE, errno.ENFILE, errno.ENOMEM}
)
"""No bug of ours: a full disk behind "> answer.txt", no memory, too many open files."""

_ERROR = Message("error")
STOPPED = Message("stopped")


def print_error(error: QiuzhengError, language: Language) -> int:
    """Write one line about `error` to stderr and return the exit code."""
    print_error_line(error.message, error.hint, language)
    return error.exit_code


def print_error_line(message: Message, hint: Message, language: Language) -> None:
    """Write to stderr, on one line, what happened and what to do next."""
    parts = [_ERROR, message, hint] if hint else [_ERROR, message]
    # A vendor's text in the message may have line ends; scripts count on one line an error.
    line = " ".join(join_messages(parts, COLON).localize(language).split())
    click.secho(printable(line), err=True, fg="red")


def print_json(dumped: str | bytes) -> None:
    """Write a line of JSON to stdout, from which a terminal takes no orders either."""
    text = dumped.decode() if isinstance(dumped, bytes) else dumped
    # Bytes, so that JSON is UTF-8 in whatever locale; half a surrogate pair becomes its escape.
    click.echo(escape_json(text).encode(errors="backslashreplace"))


def run(main: Coroutine[Any, Any, int], language: Language) -> NoReturn:
    """Run an async command to its end and leave the process with its exit code."""
    runner = asyncio.Runner()  # turns Ctrl-C into a cancellation, so that what is open is closed
    run_sync(lambda: runner.run(main), language)


def run_sync(work: Callable[[], int], language: Language) -> NoReturn:
    """Run a command that computes; Ctrl-C raises KeyboardInterrupt in it."""
    try:
        try:
            # `prepare_process` replaced Python's handler; `asyncio.Runner` takes Ctrl-C over only
            # where it finds the default one.
            signal.signal(signal.SIGINT, signal.default_int_handler)
            code = work()
        except KeyboardInterrupt:
            click.echo(f"\n{STOPPED.localize(language)}", err=True)
            code = INTERRUPTED
        except QiuzhengError as error:
            code = print_error(error, language)
        except BrokenPipeError:
            raise
        except OSError as error:
            if error.errno not in SYSTEM_LIMITS:
                code = _report_bug(language)
            else:
                what = Message("the system refuses: {reason}", reason=describe_os_error(error))
                hint = Message("free some disk space or memory, and try again")
                print_error_line(what, hint, language)
                code = 1
        except Exception:  # noqa: BLE001  the last catch: people get a line, maintainers a trace
            code = _report_bug(language)
    except BrokenPipeError:  # of the work, or of the error that was to be printed
        os._exit(BROKEN_PIPE)
    with contextlib.suppress(OSError):  # what could not be written is said already
        sys.stdout.flush()
        sys.stderr.flush()
    # Not `sys.exit`: Python would wait for the threads of blocking libraries (a search that hangs,
    # an extraction past its deadline), whose results are not needed any more. All is closed and
    # flushed here.
    os._exit(code)


def _report_bug(language: Language) -> int:
    """Print one line for an exception of ours, and keep its trace where it can be sent from."""
    trace = traceback.format_exc()
    path = ""
    with (
        contextlib.suppress(OSError),
        # A new random name each time: in the shared /tmp a fixed one could be another user's link.
        tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", prefix="qiuzheng-crash-", suffix=".txt", delete=False
        ) as file,
    ):
        path = file.name
        file.write(trace)
    what = trace.strip().splitlines()[-1]
    line = Message("a bug of ours: {what}: please report {path}", what=what[:200], path=path)
    shown = printable(join_messages([_ERROR, line], COLON).localize(language))
    click.secho(shown, err=True, fg="red")
    return 1
