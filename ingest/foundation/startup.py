"""What a command does before all else: it takes Ctrl-C, any locale, and text in any encoding.

Imports nothing that takes time, so that these hold from the first moment.
"""

import io
import locale
import os
import signal
import sys

INTERRUPTED = 130
"""128 + SIGINT, as shells have it."""

LAST_RESORT = "gb18030"
"""What Chinese text is in when it is neither UTF-8 nor what the locale says."""


def prepare_process() -> None:
    """Make Ctrl-C end this process at once, and no character too strange to be written.

    While nothing is open yet, nothing has to be closed: `cli_runner.run` takes Ctrl-C over.
    A character that the locale does not have (a tick, in GBK) comes out as "?".
    """
    signal.signal(signal.SIGINT, lambda *_: os._exit(INTERRUPTED))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="surrogateescape")  # for `decode_argument` to read


def decode_input(body: bytes) -> str:
    """Return what a person wrote: UTF-8, else in the locale's encoding, else in GB 18030."""
    for encoding in ("utf-8-sig", getattr(sys.stdin, "encoding", ""), locale.getencoding()):
        try:
            return body.decode(encoding)
        except (UnicodeDecodeError, LookupError, TypeError):
            continue
    return body.decode(LAST_RESORT, errors="replace")


def decode_argument(text: str) -> str:
    """Return an argument of the command line as it was meant.

    Python writes the bytes that are not of the locale's encoding as lone surrogates.
    """
    if not any("\ud800" <= character <= "\udfff" for character in text):
        return text
    return decode_input(text.encode(sys.getfilesystemencoding(), errors="surrogateescape"))


def read_stdin() -> str:
    """Return all of standard input."""
    return decode_input(sys.stdin.buffer.read())
