"""Files of replies: one that grows while a model answers, and those that others wrote."""

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
from finetune.model.chat_format import THOUGHT_BEGINS, THOUGHT_ENDS, ChatFormat, split_reply
from finetune.records import Prediction, Record, Turn
from finetune.runs import write_whole
from ingest.foundation.messages import Message, describe_os_error


class Replies:
    """Replies of one model with one set of settings, kept line by line.

    The first line holds the digest of model and settings. Replies under another digest are thrown
    away; a last line that was cut short is, too.
    """

    def __init__(self, path: Path, *, digest: str, anew: bool = False) -> None:
        self.kept: dict[str, Prediction] = {}
        self._path = path
        self._digest = digest
        self._anew = anew
        self._file: IO[str] | None = None

    def __enter__(self) -> Self:
        """Read what is there, and open the file for more.

        Raises:
            EvaluationError: it cannot be written.
        """
        if not self._anew:
            self.kept = {one.id: one for one in _kept(self._path, self._digest)}
        rows = [{"digest": self._digest}, *map(dataclasses.asdict, self.kept.values())]
        try:
            write_whole(self._path, "".join(map(_line, rows)))
            self._file = self._path.open("a", encoding="utf-8")
        except OSError as error:
            raise _unwritable(self._path, error) from error
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._file is not None:
            self._file.close()

    def add(self, prediction: Prediction) -> None:
        """Keep one more reply; the end of this process cannot lose it any more.

        Raises:
            EvaluationError: the disk is full, or the file is gone.
        """
        assert self._file is not None, "use it as a context manager"
        try:
            self._file.write(_line(dataclasses.asdict(prediction)))
            self._file.flush()
        except OSError as error:
            raise _unwritable(self._path, error) from error
        self.kept[prediction.id] = prediction


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundReplies:
    """Replies of a file by record id, and in which row each stands.

    `records` are there if the file brings its own references, as LLaMA-Factory's does.
    """

    predictions: Mapping[str, Prediction]
    places: Mapping[str, int]
    records: tuple[Record, ...] = ()


def read_replies(path: Path, fmt: ChatFormat) -> FoundReplies:
    """Return the replies of a JSON Lines file.

    Raises:
        EvaluationError: the file or one of its rows cannot be read; the message names it.
    """
    predictions: dict[str, Prediction] = {}
    places: dict[str, int] = {}
    records: dict[str, Record] = {}
    met: Counter[str] = Counter()
    for place, row in _rows(path):
        try:
            if "predict" in row:
                record = _foreign_record(row, fmt, met)
                records[record.id] = record
                prediction = _prediction({"id": record.id, "text": row["predict"]}, fmt)
            else:
                prediction = _prediction(row, fmt)
        except (KeyError, TypeError, ValueError) as error:
            raise _bad_row(path, place) from error
        predictions[prediction.id] = prediction
        places[prediction.id] = place
    if not predictions:
        raise EvaluationError(Message("{path} holds no reply", path=path), hint=_ROW_SHAPES)
    return FoundReplies(predictions=predictions, places=places, records=tuple(records.values()))


def _line(row: Mapping[str, Any]) -> str:
    return json.dumps(row, ensure_ascii=False) + "\n"


def _kept(path: Path, digest: str) -> Iterator[Prediction]:
    """Yield the replies under `digest`, up to the first line that is broken."""
    try:
        with path.open(encoding="utf-8") as lines:
            if json.loads(next(lines, "{}")).get("digest") != digest:
                return
            for line in lines:
                yield Prediction(**json.loads(line))
    except (OSError, ValueError, TypeError, AttributeError):
        return


def _rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        with path.open(encoding="utf-8-sig") as lines:
            for place, line in enumerate(lines, start=1):
                if not line.strip():
                    continue
                row = json.loads(line)
                if not isinstance(row, dict):
                    raise _bad_row(path, place)
                if row.keys() != {"digest"}:
                    yield place, row
    except OSError as error:
        raise EvaluationError(
            Message("cannot read {path}", path=path),
            hint=describe_os_error(error),
        ) from error
    except json.JSONDecodeError as error:
        raise _bad_row(path, place) from error
    except UnicodeDecodeError as error:
        raise EvaluationError(
            Message("{path} is not UTF-8", path=path),
            hint=Message("save it as UTF-8"),
        ) from error


def _prediction(row: Mapping[str, Any], fmt: ChatFormat) -> Prediction:
    """Return the reply of a row; what is not told is taken for granted: it stopped, in no time.

    Raises:
        KeyError, TypeError, ValueError: there is no id, or no text.
    """
    stopped = bool(row.get("stopped", True))
    text = row["text"] if "text" in row else row["answer"]
    if not isinstance(text, str):
        raise TypeError(f"text is {type(text).__name__}")
    think, answer = split_reply(fmt, text, cut_short=not stopped)
    if "text" not in row:
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


def _foreign_record(row: Mapping[str, Any], fmt: ChatFormat, met: Counter[str]) -> Record:
    """Return the record of a row that LLaMA-Factory wrote to generated_predictions.jsonl.

    `met` counts the questions so far: one that was asked twice has two records.
    """
    think, answer = split_reply(fmt, row["label"])
    asked = str(row.get("prompt", ""))
    content = f"{asked}\0{row['label']}"
    again = f"\0{met[content]}" if met[content] else ""
    met[content] += 1
    digest = hashlib.sha256((content + again).encode("utf-8", "replace")).hexdigest()
    turn = Turn(user=asked, think=think, answer=answer)
    return Record(id=digest[:16], turns=(turn,))


_ROW_SHAPES = Message('a row is {"id": …, "text": …}, or {"prompt": …, "predict": …, "label": …}')


def _bad_row(path: Path, place: int) -> EvaluationError:
    return EvaluationError(
        Message("{path}: row {place}: no reply", path=path, place=place),
        hint=_ROW_SHAPES,
    )


def _unwritable(path: Path, error: OSError) -> EvaluationError:
    why = describe_os_error(error)
    return EvaluationError(
        Message("cannot write {path}", path=path),
        hint=Message("{why}: make room, then run the same command again", why=why),
    )
