"""Plain text in which questions and answers are marked: 问：… 答：…, or Q: … A: …."""

import re
from collections.abc import Iterator
from typing import TextIO

from finetune.data.files.lines import is_within_limit, read_lines, too_long_error
from finetune.data.rows import RejectedRow, raw_excerpt
from finetune.records import RawRow

_MARK = re.compile(
    r"[ \t>*]*(?:(?P<ask>问|提问|问题|Q|Question)|答|回答|答案|A|Answer)\s*\d{0,4}\s*[*]*[：:][*]*",
    re.IGNORECASE,
)
_PAIR = re.compile(
    rf"^{_MARK.pattern.replace('(?P<ask>', '(?:')}[^\n]*\n(?:[^\n]*\n){{0,20}}?"
    r"[ \t>*]*(?:答|回答|答案|A|Answer)\s*\d{0,4}\s*[*]*[：:]",
    re.IGNORECASE | re.MULTILINE,
)


def is_marked_text(head: str) -> bool:
    """Return whether the beginning of a file has a question and an answer, each with its mark."""
    return _PAIR.search(head) is not None


def marked_rows(file: TextIO, name: str, limit: int) -> Iterator[RawRow | RejectedRow]:
    """Yield a row with "question" and "answer" for each marked question; `source` counts them.

    What stands before the first mark is passed over; a text goes on up to the next mark.
    """
    number = 0
    texts: dict[str, str] = {}
    side = ""
    for line in read_lines(file, limit):
        mark = _MARK.match(line.text)
        asks = mark is not None and mark["ask"] is not None
        if asks and texts:
            number += 1
            yield _row(texts, f"{name}:{number}", limit)
            texts = {}
        if mark is not None:
            side = "question" if asks else "answer"
            # A second answer to one question goes on with the first.
            texts[side] = texts.get(side, "") + line.text[mark.end() :].lstrip()
        elif side and texts:
            texts[side] += line.text
    if texts:
        yield _row(texts, f"{name}:{number + 1}", limit)


def _row(texts: dict[str, str], source: str, limit: int) -> RawRow | RejectedRow:
    fields = {side: text.strip() for side, text in texts.items()}
    raw = "\n".join(fields.values())
    if is_within_limit(raw, limit):
        return RawRow(source=source, fields={"question": "", "answer": "", **fields})
    return RejectedRow(source=source, reason=too_long_error(limit).message, raw=raw_excerpt(raw))
