"""Drafts of all pages: in which order they are checked, and those that a teacher writes."""

import hashlib
import itertools
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from finetune.data.dedupe import normalize_question
from finetune.progress import Progress
from finetune.synthesize.drafts import DraftKind, QuestionDraft
from finetune.synthesize.journal import SynthesisJournal
from finetune.synthesize.teacher import MIN_TEXT_CHARACTERS, Teacher
from ingest.documents import Chunk
from ingest.foundation.messages import Message

ASKING_TEACHER = Message("asking the teacher model")

LAST_KINDS: tuple[DraftKind, ...] = ("section", "term")
"""Kinds of questions that come after all others of a page: they say least of what they want."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftOrder:
    """An order that depends on a seed and on what is ordered alone."""

    seed: int

    def sorted(self, texts: Iterable[str]) -> list[str]:
        """Return texts in this order."""
        return sorted(texts, key=self._place)

    def chance(self, question: str) -> float:
        """Return a number in [0, 1) for a question: to choose a share of them."""
        return int(self._place(f"chance {question}")[:8], 16) / 16**8

    def one_of_each(self, pages: Iterable[Sequence[QuestionDraft]]) -> list[QuestionDraft]:
        """Return the drafts, one of each page in turn, so that a limit cuts no page off."""
        ordered = [
            sorted(page, key=lambda one: (one.kind in LAST_KINDS, self._place(one.question)))
            for page in pages
        ]
        return in_turn(ordered)

    def _place(self, text: str) -> str:
        return digest_text([str(self.seed), text])


async def ask_teacher(
    teacher: Teacher,
    pages: Sequence[Sequence[Chunk]],
    *,
    limit: int,
    journal: SynthesisJournal,
    progress: Progress,
) -> list[list[QuestionDraft]]:
    """Return the teacher's questions page by page, from the journal where it was asked before.

    It is asked about `limit` pieces at most, 0: all. Once it fails again and again it is let be,
    and a note says so.
    """
    pieces = in_turn(
        [[one for one in page if len(one.text) >= MIN_TEXT_CHARACTERS] for page in pages]
    )[: limit or None]
    written: dict[str, list[QuestionDraft]] = defaultdict(list)
    with progress.stage(ASKING_TEACHER, total=len(pieces)) as stage:
        for chunk in pieces:
            key = digest_text(["teacher", chunk.url, chunk.text])
            if key not in journal.entries and not teacher.is_gone:
                made = await teacher.write_questions(chunk)
                # What failed is asked again by the next run; what was of no use is not.
                if made is not None:
                    journal.add(key, [[one.question, one.reply, one.language] for one in made])
            # The drafts that an entry of the journal holds.
            written[chunk.url] += [
                QuestionDraft(
                    question=question,
                    reply=reply,
                    answer=reply,
                    kind="model",
                    language=language,
                    url=chunk.url,
                    source=chunk.text,
                )
                for question, reply, language in journal.entries.get(key, ())
            ]
            stage.advance()
    if teacher.last_error is not None:
        progress.note(
            Message(
                "the teacher failed {failed} {failed:?time|times} of {asked} ({why}); "
                "the rules go on alone",
                failed=teacher.failed,
                asked=teacher.asked,
                why=teacher.last_error,
            )
        )
    return list(written.values())


def distinct_questions(
    drafts: Iterable[QuestionDraft],
) -> dict[str, tuple[QuestionDraft, bool]]:
    """Return each question once by its key, and whether pages answer it differently.

    What one page answers in two ways is not asked: "What is number?" of a page on many functions.
    """
    drafts = list(drafts)
    answers: dict[str, set[str]] = defaultdict(set)
    of_page: dict[tuple[str, str], set[str]] = defaultdict(set)
    for draft in drafts:
        question, answer = normalize_question(draft.question), normalize_question(draft.answer)
        answers[question].add(answer)
        # A teacher says the same thing in other words.
        if draft.kind != "model":
            of_page[draft.url, question].add(answer)
    found: dict[str, tuple[QuestionDraft, bool]] = {}
    for draft in drafts:
        question = normalize_question(draft.question)
        if draft.is_spare or len(of_page[draft.url, question]) > 1:
            continue
        is_shared = len(answers[question]) > 1
        # A question that pages share is asked of each of them, by its name.
        key = digest_text([draft.url if is_shared else "", question])
        found.setdefault(key, (draft, is_shared))
    return found


def in_turn(pages: Sequence[Sequence[T]]) -> list[T]:
    """Return the first of each page, then the second of each, and so on."""
    turns = itertools.zip_longest(*pages)
    return [one for turn in turns for one in turn if one is not None]


def digest_text(parts: Iterable[str]) -> str:
    """Return 24 hex digits of a hash of texts, the same on every machine."""
    whole = "\0".join(parts).encode(errors="replace")
    return hashlib.blake2b(whole, digest_size=12).hexdigest()
