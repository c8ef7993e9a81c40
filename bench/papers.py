"""Are PDF files read letter for letter, beside poppler's pdftotext?

    python -m bench.papers FILE.pdf [FILE.pdf …]

Both read the same files; pdftotext (Debian's poppler-utils) shares no code with pdfium, on which
ours stands. "precision" is the share of our words (runs of letters or figures, ideographs one by
one) that pdftotext has as well, "recall" the share of its words that we have. We leave out contents
pages and running heads on purpose, and say the head of a table with each long row of it. "CPU" is
the processor time, ours over theirs.
"""

import argparse
import re
import resource
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import click

from ingest.extract.extractor import read_file

WORD = re.compile(r"[^\W\d_\u2e80-\uffff]+|\d+|[\u2e80-\uffff]")
BROKEN = re.compile(r"[-\u00ad\u2010]\n+(?=[a-z])")
"""A hyphen at the end of a line: pdftotext leaves it, we join the word."""


def words_of(text: str) -> Counter[str]:
    """Return the words of a text, and how often each is there."""
    return Counter(WORD.findall(BROKEN.sub("", text)))


def measure(path: Path) -> str:
    """Return a line of figures for one file."""
    begun = time.process_time()
    ours = words_of(read_file(path).text)
    own_seconds = time.process_time() - begun
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    shown = subprocess.run(["pdftotext", path, "-"], capture_output=True, check=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    their_seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    theirs = words_of(shown.stdout)
    both = (ours & theirs).total()
    precision, recall = both / ours.total(), both / theirs.total()
    cpu = own_seconds / max(their_seconds, 0.01)
    return (
        f"{path.name:36} words {theirs.total():7}  precision {precision:.3f}  recall {recall:.3f}"
        f"  CPU {cpu:.1f}"
    )


def main() -> int:
    """Print a line for each file."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("files", nargs="+", type=Path)
    for path in parser.parse_args().files:
        click.echo(measure(path))
    return 0


if __name__ == "__main__":
    sys.exit(main())
