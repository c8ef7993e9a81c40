"""What a command does first: it handles Ctrl-C, any locale, and text in any encoding.

Only fast imports here: until `prepare_process` has run, Ctrl-C prints a traceback.
"""

import gettext
import io
import locale
import os
import signal
import sys
from pathlib import Path

INTERRUPTED = 130
"""128 + SIGINT, as shells have it."""

FALLBACK_ENCODING = "gb18030"
"""Encoding of Chinese text that is neither UTF-8 nor in the locale's encoding."""


def prepare_process() -> None:
    """Make Ctrl-C end this process at once, every character printable, and click speak Chinese.

    A character that the locale does not have (a tick, in GBK) comes out as "?".
    """
    # Nothing is open yet, so nothing has to be closed; `cli_runner.run` takes Ctrl-C over later.
    # During the seconds of heavy imports KeyboardInterrupt would come out of the middle of one.
    signal.signal(signal.SIGINT, lambda *_: os._exit(INTERRUPTED))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    # Click looks up what it says by itself (usage, wrong options) in gettext's current domain.
    gettext.bindtextdomain("click", Path(__file__).with_name("click_locale"))
    gettext.textdomain("click")
    if isinstance(sys.stdin, io.TextIOWrapper):
        # Bytes that are not of the locale's encoding come as lone surrogates: `decode_argument`
        # gets them back.
        sys.stdin.reconfigure(errors="surrogateescape")


def decode_input(body: bytes) -> str:
    """Return the text of bytes that a person typed or piped in.

    UTF-8, else the locale's encoding, else GB 18030, with U+FFFD for what is none of them.
    """
    # UTF-8 first, also in a GBK locale: GBK text is hardly ever well-formed UTF-8, but UTF-8 text
    # is often well-formed GBK.
    for encoding in ("utf-8-sig", getattr(sys.stdin, "encoding", ""), locale.getencoding()):
        try:
            return body.decode(encoding)
        except (
            UnicodeDecodeError,
            LookupError,
            TypeError,
        ):  # a replaced stdin may have no encoding
            continue
    return body.decode(FALLBACK_ENCODING, errors="replace")


def decode_argument(text: str) -> str:
    """Return an argument of the command line, decoded again if Python could not decode it.

    Python turns bytes that are not of the locale's encoding into lone surrogates (PEP 383).
    """
    if not any("\ud800" <= character <= "\udfff" for character in text):
        return text
    return decode_input(text.encode(sys.getfilesystemencoding(), errors="surrogateescape"))


def read_stdin() -> str:
    """Return all of standard input."""
    return decode_input(sys.stdin.buffer.read())
