"""How a command ends: an exit code, one clear line for what failed, and nothing left hanging."""

import asyncio
import contextlib
import os
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable, Coroutine
from typing import Any, NoReturn

import click

from ingest.foundation.errors import QiuzhengError
from ingest.foundation.messages import Language, Message
from ingest.foundation.startup import INTERRUPTED

BROKEN_PIPE = 141
"""128 + SIGPIPE: whoever read our output has left."""

_ERROR = Message("error")
STOPPED = Message("stopped")


def print_error(error: QiuzhengError, language: Language) -> int:
    """Write one line about `error` to stderr and return the exit code."""
    print_error_line(error.message, error.hint, language)
    return error.exit_code


def print_error_line(message: Message, hint: Message, language: Language) -> None:
    """Write to stderr, on one line, what happened and what to do next."""
    joint = "：" if language == "zh" else ": "
    parts = [_ERROR, message, hint] if hint else [_ERROR, message]
    # A vendor's text in the message may have line ends; scripts count on one line an error.
    line = " ".join(joint.join(part.localize(language) for part in parts).split())
    click.secho(line, err=True, fg="red")


def run(main: Coroutine[Any, Any, int], language: Language) -> NoReturn:
    """Run a command to its end and leave the process with its exit code.

    We leave by `os._exit` once all is closed and flushed: Python would otherwise wait for threads
    of blocking libraries (a search that hangs, an extraction past the deadline) that nobody
    needs any more, and Ctrl-C would not stop at once.
    """
    runner = asyncio.Runner()  # turns Ctrl-C into a cancellation, so that what is open is closed
    run_sync(lambda: runner.run(main), language)


def run_sync(work: Callable[[], int], language: Language) -> NoReturn:
    """Do the same for work that computes: Ctrl-C raises KeyboardInterrupt in it."""
    try:
        code = _outcome(work, language)
    except BrokenPipeError:
        os._exit(BROKEN_PIPE)
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)


def _outcome(work: Callable[[], int], language: Language) -> int:
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)  # which the runner looks for
        return work()
    except KeyboardInterrupt:
        click.echo(f"\n{STOPPED.localize(language)}", err=True)
        return INTERRUPTED
    except QiuzhengError as error:
        return print_error(error, language)
    except BrokenPipeError:
        raise
    except Exception:  # noqa: BLE001  the last door: a person gets a line, the maintainers a trace
        return _confess(language)


def _confess(language: Language) -> int:
    """Say in one line that we have a bug, and keep its trace where it can be sent from."""
    trace = traceback.format_exc()
    path = ""
    with (
        contextlib.suppress(OSError),
        tempfile.NamedTemporaryFile(  # a name that nobody can have put a link in place of
            "w", encoding="utf-8", prefix="qiuzheng-crash-", suffix=".txt", delete=False
        ) as file,
    ):
        path = file.name
        file.write(trace)
    what = trace.strip().splitlines()[-1]
    line = Message("a bug of ours: {what}: please report {path}", what=what[:200], path=path)
    click.secho(f"{_ERROR.localize(language)}: {line.localize(language)}", err=True, fg="red")
    return 1
