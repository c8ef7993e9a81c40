"""How a command ends: an exit code, one clear line for what failed, and nothing left hanging."""

import asyncio
import contextlib
import os
import sys
from collections.abc import Coroutine
from typing import Any, NoReturn

import click

from ingest.errors import AssistantError
from ingest.wording import Language, Wording

INTERRUPTED = 130
"""128 + SIGINT, as shells have it."""
BROKEN_PIPE = 141
"""128 + SIGPIPE: whoever read our output has left."""

_ERROR = Wording("error", "错误")
_STOPPED = Wording("stopped", "已停止")


def complain(error: AssistantError, language: Language) -> int:
    """Write one line about `error` to stderr and return the exit code."""
    joint = "：" if language == "zh" else ": "
    line = " ".join(error.to(language).split())
    click.secho(f"{_ERROR.to(language)}{joint}{line}", err=True, fg="red")
    return error.exit_code


def run(main: Coroutine[Any, Any, int], language: Language) -> NoReturn:
    """Run a command to its end and leave the process with its exit code.

    We leave by `os._exit` once all is closed and flushed: Python would otherwise wait for threads
    of blocking libraries (a search that hangs, an extraction past the deadline) that nobody
    needs any more, and Ctrl-C would not stop at once.
    """
    try:
        code = _outcome(main, language)
    except BrokenPipeError:
        os._exit(BROKEN_PIPE)
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)


def _outcome(main: Coroutine[Any, Any, int], language: Language) -> int:
    loop = asyncio.new_event_loop()
    task = loop.create_task(main)
    try:
        return loop.run_until_complete(task)
    except KeyboardInterrupt:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError, KeyboardInterrupt, AssistantError):
            loop.run_until_complete(task)  # close what is open: streams, index, browser
        click.echo(f"\n{_STOPPED.to(language)}", err=True)
        return INTERRUPTED
    except AssistantError as error:
        return complain(error, language)
