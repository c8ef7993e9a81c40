"""Files of replies: the one that an evaluation writes as it goes, and those made elsewhere."""

import contextlib
import dataclasses
import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from finetune.errors import EvaluationError
from finetune.model.chat_format import split_reply
from finetune.model.chat_templates import THOUGHT_BEGINS, THOUGHT_ENDS, ChatFormat
from finetune.records import Prediction, Record, Turn
from finetune.runs import write_atomically
from ingest.foundation.messages import Message, describe_os_error


class ReplyStore:
    """Replies of one model with one set of settings, written line by line.

    The first line holds the digest of model and settings; replies under another digest are
    discarded. `kept` holds the replies by record id. A context manager.
    """

    def __init__(self, path: Path, *, digest: str, force: bool = False) -> None:
        """With `force` no earlier reply is kept."""
        self.kept: dict[str, Prediction] = {}
        self._path = path
        self._digest = digest
        self._force = force
        self._file: IO[str] | None = None

    def __enter__(self) -> Self:
        """Read the replies kept from before, and open the file for more.

        Raises:
            EvaluationError: the file cannot be written.
        """
        if not self._force:
            # Up to the first broken line: what was read before it stays.
            with (
                contextlib.suppress(OSError, ValueError, TypeError, AttributeError),
                self._path.open(encoding="utf-8") as lines,
            ):
                if json.loads(next(lines, "{}")).get("digest") == self._digest:
                    for line in lines:
                        prediction = Prediction(**json.loads(line))
                        self.kept[prediction.id] = prediction
        rows = [{"digest": self._digest}, *map(dataclasses.asdict, self.kept.values())]
        try:
            # Rewritten, since a process that was killed may have left half a last line: appending
            # to it would spoil the next reply as well.
            write_atomically(self._path, "".join(map(_json_line, rows)))
            self._file = self._path.open("a", encoding="utf-8")
        except OSError as error:
            raise _cannot_write_replies(self._path, error) from error
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # A full disk raises once more at closing, behind the error that says so already.
        with contextlib.suppress(OSError) if error else contextlib.nullcontext():
            if self._file is not None:
                self._file.close()

    def add(self, prediction: Prediction) -> None:
        """Write one more reply to the file at once.

        Raises:
            EvaluationError: the disk is full, or the file cannot be written.
        """
        assert self._file is not None, "use it as a context manager"
        try:
            self._file.write(_json_line(dataclasses.asdict(prediction)))
            self._file.flush()  # past this process: its end loses no reply
        except OSError as error:
            raise _cannot_write_replies(self._path, error) from error
        self.kept[prediction.id] = prediction


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyFile:
    """Replies of a file by record id, and the row (from 1 on) of each.

    `records` are given if the file brings its own references, as LLaMA-Factory's does.
    """

    predictions: Mapping[str, Prediction]
    row_numbers: Mapping[str, int]
    records: tuple[Record, ...] = ()


def read_replies(path: Path, fmt: ChatFormat) -> ReplyFile:
    """Return the replies of a JSON Lines file.

    Raises:
        EvaluationError: the file or one of its rows cannot be read; the message names it.
    """
    predictions: dict[str, Prediction] = {}
    row_numbers: dict[str, int] = {}
    records: dict[str, Record] = {}
    seen: Counter[str] = Counter()
    for number, row in _read_rows(path):
        try:
            if "predict" in row:
                # A row that LLaMA-Factory wrote to generated_predictions.jsonl. These rows have no
                # id; a question that occurs twice must still make two records.
                question = str(row.get("prompt", ""))
                content = f"{question}\0{row['label']}"
                occurrence = f"\0{seen[content]}" if seen[content] else ""
                seen[content] += 1
                digest = hashlib.sha256((content + occurrence).encode("utf-8", "replace"))
                think, answer = split_reply(fmt, row["label"])
                turn = Turn(user=question, think=think, answer=answer)
                record = Record(id=digest.hexdigest()[:16], turns=(turn,))
                records[record.id] = record
                prediction = _parse_prediction({"id": record.id, "text": row["predict"]}, fmt)
            else:
                prediction = _parse_prediction(row, fmt)
        except (KeyError, TypeError, ValueError) as error:
            raise _bad_row(path, number) from error
        predictions[prediction.id] = prediction
        row_numbers[prediction.id] = number
    if not predictions:
        raise EvaluationError(Message("{path} holds no reply", path=path), hint=_ROW_SHAPES)
    return ReplyFile(
        predictions=predictions, row_numbers=row_numbers, records=tuple(records.values())
    )


def _json_line(row: Mapping[str, Any]) -> str:
    return json.dumps(row, ensure_ascii=False) + "\n"


def _read_rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield number, from 1 on, and object of each row."""
    try:
        with path.open(encoding="utf-8-sig") as lines:  # Windows editors write a BOM
            for number, line in enumerate(lines, start=1):
                if not line.strip():
                    continue
                row = json.loads(line)
                if not isinstance(row, dict):
                    raise _bad_row(path, number)
                # The first line of a ReplyStore: its file can be scored again as it is.
                if row.keys() != {"digest"}:
                    yield number, row
    except OSError as error:
        raise EvaluationError(
            Message("cannot read {path}", path=path),
            hint=describe_os_error(error),
        ) from error
    except json.JSONDecodeError as error:
        raise _bad_row(path, number) from error
    except UnicodeDecodeError as error:
        raise EvaluationError(
            Message("{path} is not UTF-8", path=path),
            hint=Message("save it as UTF-8"),
        ) from error


def _parse_prediction(row: Mapping[str, Any], fmt: ChatFormat) -> Prediction:
    """Return the reply of a row; by default it stopped by itself, in 0 seconds.

    Raises:
        KeyError, TypeError, ValueError: there is no id, or no text.
    """
    stopped = bool(row.get("stopped", True))
    text = row["text"] if "text" in row else row["answer"]
    if not isinstance(text, str):
        raise TypeError(f"text is {type(text).__name__}")
    think, answer = split_reply(fmt, text, cut_short=not stopped)
    if "text" not in row:
        # Thought and answer apart, as APIs return them; `text` is what the model wrote.
        think, answer = str(row.get("think", "")), text
        text = THOUGHT_BEGINS + think + THOUGHT_ENDS + answer if think else answer
    return Prediction(
        id=str(row["id"]),
        text=text,
        think=think,
        answer=answer,
        stopped=stopped,
        seconds=float(row.get("seconds", 0.0)),
        tokens=int(row.get("tokens", 0)),
    )


_ROW_SHAPES = Message('a row is {"id": …, "text": …}, or {"prompt": …, "predict": …, "label": …}')


def _bad_row(path: Path, number: int) -> EvaluationError:
    return EvaluationError(
        Message("{path}: row {place}: no reply", path=path, place=number),
        hint=_ROW_SHAPES,
    )


def _cannot_write_replies(path: Path, error: OSError) -> EvaluationError:
    why = describe_os_error(error)
    return EvaluationError(
        Message("cannot write {path}", path=path),
        hint=Message("{why}: make room, then run the same command again", why=why),
    )
