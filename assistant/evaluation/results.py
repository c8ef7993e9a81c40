"""What came of each question, and the file in which a run is kept.

The file is JSONL: the run's header, then one line a question, added when it was answered. A run
that is stopped or killed so keeps all that was asked, and goes on where it stopped.
"""

import contextlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

from filelock import FileLock, Timeout
from pydantic import TypeAdapter, ValidationError

from assistant.errors import EvaluationFileError, EvaluationStoppedError
from assistant.evaluation.questions import read_text_file
from assistant.values import Answerability, AnswerKind, VerdictKind
from ingest.foundation.messages import Message, describe_os_error

FORMAT = 1
"""Version of the format of saved runs; a run of a later one is refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunHeader:
    """What the questions of a run were asked of. What differs between two runs explains them."""

    model: str
    """Name of the chat model, "quotes" without one."""
    top_k: int
    """Passages to answer from."""
    pages: int = 0
    chunks: int = 0
    """Chunks of the index when the run began."""
    space: str = ""
    """The index's vectors: their encoder."""
    questions: str = ""
    """The file of the questions."""
    started: str = ""
    """When, as ISO 8601 has it."""
    jobs: int = 1
    """Questions asked side by side: latencies of several are longer."""
    language: str = ""
    """Language of the answers, as set; runs from before it was recorded have ""."""
    unsupported: str = ""
    """What becomes of sentences that no passage supports, as set."""
    temperature: float | None = None
    """None where nothing is sampled, or where it was not kept."""
    digest: str = ""
    """Digest of the model's weights, "" where its server tells none."""
    format: int = FORMAT
    type: Literal["run"] = "run"


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionResult:
    """What came of one question. Figures are made of these alone, so a saved run is enough."""

    key: str
    """`EvaluationQuestion.key`."""
    question: str
    id: str = ""
    expected: tuple[str, ...] = ()
    expected_urls: tuple[str, ...] = ()
    unanswerable: bool = False
    kind: AnswerKind | Literal["failed"] = "failed"
    answer: str = ""
    own_words: str = ""
    """The answer without the quotes beneath a model's reply; runs of before have ""."""
    error: str = ""
    """Why there is no answer, "" if there is one."""
    model: str = ""
    answer_id: str = ""
    """Id of the answer's snapshot, "" if none is kept."""
    cited: tuple[str, ...] = ()
    """Addresses of the pages that the answer cites."""
    passages: tuple[str, ...] = ()
    """Addresses of the passages' pages, best first."""
    rank: int | None = None
    """Rank of the first passage from an expected page, or that holds an expected answer; 1 for the
    first, None if none is."""
    evidence: tuple[str, ...] = ()
    in_evidence: bool | None = None
    """Whether the evidence holds an expected answer, None if none is expected."""
    answerability: Answerability = "nothing"
    right: bool | None = None
    """Whether the answer holds an expected one, None if none is expected; of a model its own words,
    without the quotes beneath them."""
    shown_right: bool | None = None
    """The same of all that the reader is shown."""
    f1: float | None = None
    """Token F1 with the expected answer that fits best."""
    refused: bool = False
    """The reader learns that the index does not answer this."""
    verdicts: Mapping[VerdictKind, int] = field(default_factory=dict)
    """Sentences of a model's answer by verdict."""
    trust: float | None = None
    seconds_to_evidence: float | None = None
    seconds_to_first_word: float | None = None
    seconds: float = 0.0
    prompt_tokens: int | None = None
    reply_tokens: int | None = None
    notices: tuple[str, ...] = ()
    """Codes of `assistant.events.Notice`."""
    type: Literal["answer"] = "answer"

    @property
    def has_failed(self) -> bool:
        """Whether there is no answer at all: such a question is asked again when a run goes on."""
        return self.kind == "failed"

    @property
    def is_good(self) -> bool:
        """Whether the answer is right, or refuses what it should.

        Where only a page is expected, passages from it are right.
        """
        if self.has_failed:
            return False
        if self.unanswerable:
            return self.refused
        return self.rank is not None if self.right is None else self.right


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationRun:
    """A run as far as it came."""

    header: RunHeader
    results: tuple[QuestionResult, ...]
    name: str = ""
    """What tells it from another run: the file that it is kept in, or its model."""


_HEADER: TypeAdapter[RunHeader] = TypeAdapter(RunHeader)
_RESULT: TypeAdapter[QuestionResult] = TypeAdapter(QuestionResult)


def is_saved_run(text: str) -> bool:
    """Return whether the text of a file is that of a saved run, from its first line."""
    return _parse_header(text.partition("\n")[0].encode()) is not None


def read_run(path: Path) -> EvaluationRun:
    """Return a saved run.

    Raises:
        EvaluationFileError: it cannot be read, or is no saved run.
    """
    return parse_run(read_text_file(path), path)


def parse_run(text: str, path: Path) -> EvaluationRun:
    """Return the saved run of a file's text; of a question asked several times, the last result.

    Raises:
        EvaluationFileError: it is no saved run.
    """
    lines = text.split("\n")
    header = _parse_header(lines[0].encode())
    if header is None:
        raise EvaluationFileError(
            Message("{path} is no saved run", path=path),
            hint=Message("a run is kept by: assistant evaluate questions.jsonl --save FILE"),
        )
    results: dict[str, QuestionResult] = {}
    for number, line in enumerate(lines[1:], start=2):
        # Behind the last line's end nothing stands, or what was written when the process died.
        if number == len(lines) or not line.strip():
            continue
        try:
            result = _RESULT.validate_json(line)
        except ValidationError as error:
            raise EvaluationFileError(
                Message("{path}, line {line}: no result of a question", path=path, line=number),
                hint=Message("delete the line: the question is then asked again"),
            ) from error
        results[result.key] = result
    return EvaluationRun(header=header, results=tuple(results.values()), name=path.stem)


def _parse_header(line: bytes) -> RunHeader | None:
    try:
        header = _HEADER.validate_json(line)
    except ValidationError:
        return None
    # What a later version wrote may mean something else by the same names.
    return header if header.format <= FORMAT else None


class RunFile:
    """A run's file, to which results are added as they come."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = FileLock(f"{path}.lock", timeout=0)

    @property
    def is_begun(self) -> bool:
        """Whether the file holds anything."""
        return self.path.exists() and self.path.stat().st_size > 0

    def open(self, header: RunHeader) -> Sequence[QuestionResult]:
        """Begin the file, or return what it holds already of a run with the same header.

        Until `close` no other run can open it.

        Raises:
            EvaluationFileError: it cannot be written, is no saved run, or one that was asked of
                something else.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            # Two that begin together would both write a header, and each ask all the questions.
            self._lock.acquire()
            if not self.is_begun:
                self._append(_HEADER.dump_json(header))
                return ()
            body = self.path.read_bytes()
            whole = body.rfind(b"\n") + 1
            # The beginning of a line that a killed process left. A header without its line end is
            # no torn line, but some other file: that stays as it is.
            if 0 < whole < len(body):
                os.truncate(self.path, whole)
        except Timeout as error:
            raise EvaluationFileError(
                Message("another run writes {path}", path=self.path),
                hint=Message("wait for it, or name another file"),
            ) from error
        except OSError as error:
            raise cannot_write(self.path, error) from error
        kept_run = read_run(self.path)
        # Half a run of one model and half of another would be a run of none.
        refuse_mixed(self.path, kept_run.header, header)
        return [result for result in kept_run.results if not result.has_failed]

    def close(self) -> None:
        """Let other runs open the file."""
        if self._lock.is_locked:
            self._lock.release(force=True)
            with contextlib.suppress(OSError):
                Path(self._lock.lock_file).unlink(missing_ok=True)

    def add(self, result: QuestionResult) -> None:
        """Add a question's result.

        Raises:
            EvaluationStoppedError: it cannot be written.
        """
        try:
            self._append(_RESULT.dump_json(result))
        except OSError as error:
            why = describe_os_error(error)
            raise EvaluationStoppedError(
                Message("{path} cannot be written: {why}", path=self.path, why=why)
            ) from error

    def _append(self, line: bytes) -> None:
        # Opened again for each: an answer takes seconds, and a file that is closed is written.
        with self.path.open("ab") as file:
            file.write(line + b"\n")


def cannot_write(path: Path, error: OSError) -> EvaluationFileError:
    """Return the error of a file that the system does not let us write."""
    why = describe_os_error(error)
    return EvaluationFileError(Message("{path} cannot be written: {why}", path=path, why=why))


def refuse_mixed(path: Path, kept: RunHeader, now: RunHeader) -> None:
    """Raise `EvaluationFileError` if a run that goes on would be asked of something else."""
    names = ("model", "top_k", *header_differences(kept, now))
    for name in names:
        before, after = getattr(kept, name), getattr(now, name)
        if before != after and name != "jobs":
            raise EvaluationFileError(
                Message(
                    "{path} holds a run with {name} = {before}, not {now}",
                    path=path,
                    name=name,
                    before=before,
                    now=after,
                ),
                hint=Message("name another file, then compare the two: --compare OLD"),
            )


def header_differences(a: RunHeader, b: RunHeader) -> list[str]:
    """Return the names of what two runs were asked of differently, beside model and passages."""
    first, second = asdict(a), asdict(b)
    names = ("pages", "chunks", "space", "jobs")
    # Runs of before these were kept tell nothing of them.
    recorded = ("language", "unsupported", "temperature", "digest")
    known = [name for name in recorded if {first[name], second[name]}.isdisjoint({"", None})]
    return [name for name in (*names, *known) if first[name] != second[name]]
