"""`finetune synthesize`: training rows from the pages of an index.

Questions are made by rule, and by a teacher model where one is named; each is looked up as the
assistant would look it up, put into the assistant's own prompt word for word, and kept only if the
passages answer it by the verdicts of serving. What else the search finds stays in the prompt: these
are the distractors. Some questions are asked without their page, and learn to be declined (RAFT,
Zhang et al. 2024, arXiv:2403.10131).
"""

import asyncio
import contextlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from assistant.answer.retrieval import Retriever
from assistant.bootstrap import build_reranker
from assistant.models.base import ModelSize, ModelTraits, size_of_model
from assistant.models.registry import build_model
from assistant.settings import ModelSettings, Settings
from finetune.errors import DataError
from finetune.progress import Progress
from finetune.runs import atomic_file, write_atomically
from finetune.synthesize.checking import RejectReason, RowChecker, SynthesizedRow
from finetune.synthesize.drafting import DraftOrder, ask_teacher, digest_text, distinct_questions
from finetune.synthesize.drafts import QuestionDraft
from finetune.synthesize.journal import SynthesisJournal
from finetune.synthesize.questions import draft_questions
from finetune.synthesize.sheet import render_row_sheet
from finetune.synthesize.teacher import Teacher
from ingest.bootstrap import open_index
from ingest.documents import Document
from ingest.foundation.messages import Message, describe_os_error
from ingest.index.store.base import ChunkStore
from ingest.index.store.inventory import DocumentFilter
from ingest.library import open_library

DECLINED_SHARE = 0.15
"""Share of the questions that are asked without their page. RAFT leaves the answer out of a fifth
to two fifths of its rows; a small model that sees more of these declines what it could answer, and
`finetune improve` trains one on fewer still (`finetune.improve.rows`)."""

DOCUMENTS_AT_ONCE = 50
"""Read from the store in one go."""

READING_PAGES = Message("reading pages")
CHECKING_ROWS = Message("looking questions up and checking answers")
NAME_ANOTHER = Message("name another file, or remove it")


@dataclass(frozen=True, slots=True, kw_only=True)
class SynthesisReport:
    """What was made. `path` holds the rows, `sheet` a sample of them for a person to judge."""

    path: Path
    sheet: Path
    documents: int
    """Pages that were read."""
    rows: int
    declined: int
    """Rows whose question is to be declined."""
    kinds: dict[str, int]
    languages: dict[str, int]
    rejected: dict[RejectReason, int]
    """Questions that became no row."""
    teacher_asked: int = 0
    teacher_failed: int = 0
    teacher_unusable: int = 0

    def figures(self) -> dict[str, Any]:
        """Return the figures by name, for the terminal and for --json."""
        return {
            "synthesized": self.rows,
            "unanswerable": self.declined,
            "documents": self.documents,
            "left_out": sum(self.rejected.values()),
            "kinds": self.kinds,
            "languages": self.languages,
            "rejected": self.rejected,
            "teacher": {
                "asked": self.teacher_asked,
                "failed": self.teacher_failed,
                "unusable": self.teacher_unusable,
            },
            "file": self.path,
            "sheet": self.sheet,
        }


def synthesize(
    settings: Settings,
    collection: str,
    into: Path,
    *,
    seed: int = 42,
    limit: int = 0,
    teacher: ModelSettings | None = None,
    size: ModelSize | None = None,
    progress: Progress,
) -> SynthesisReport:
    """Write training rows made of a collection of the index into the file `into` (JSON lines).

    Beside it lie `into`.sample.csv and, until all is done, `into`.part: a call with the same
    arguments goes on where one that was cut short stopped.

    Args:
        settings: Where the index is, and how the assistant asks its model.
        collection: Name of the collection, "" for the whole index.
        into: The file to write; must not be there.
        seed: Decides which questions are declined, and the order of pages.
        limit: Rows at most; 0: all that can be made.
        teacher: A model that writes questions besides the rules.
        size: For which size of model the prompt is; None: for the assistant's own.
        progress: Called with how far it is.

    Raises:
        DataError: `into` is there, nothing can be made of the pages, or the disk is full.
        CollectionError: there is no such collection.
        StoreError: the index cannot be read.
    """
    if into.exists():
        raise DataError(Message("{path} is there already", path=into), hint=NAME_ANOTHER)
    job = _Synthesis(
        settings=settings,
        collection=collection,
        into=into,
        seed=seed,
        limit=limit,
        teacher=teacher,
        size=size,
        progress=progress,
    )
    try:
        return asyncio.run(job.run())
    except OSError as error:
        raise DataError(
            Message("cannot write {path}: {why}", path=into, why=describe_os_error(error)),
            hint=Message("make room and run the same command again: what was made is kept"),
        ) from error


@dataclass(slots=True, kw_only=True)
class _Synthesis:
    """One run: pages, drafts, rows."""

    settings: Settings
    collection: str
    into: Path
    seed: int
    limit: int
    teacher: ModelSettings | None
    size: ModelSize | None
    progress: Progress
    rejected: Counter[RejectReason] = field(default_factory=Counter)

    async def run(self) -> SynthesisReport:
        """Make the rows and write them."""
        async with contextlib.AsyncExitStack() as stack:
            library = await stack.enter_async_context(open_library(self.settings))
            lines = await library.lines(DocumentFilter(collection=self.collection))
            index = await stack.enter_async_context(
                open_index(self.settings, say=self.progress.note)
            )
            if self.collection:
                await index.store.check_collections([self.collection])
            if not lines:
                raise DataError(
                    Message("the index holds no pages"),
                    hint=Message("store some first: ingest FOLDER --collection NAME"),
                )
            # Pages by their dates: an index that has changed since makes other rows.
            pages = digest_text(f"{one.url} {one.fetched_at}" for one in lines)
            journal = stack.enter_context(self._journal(pages))
            order = DraftOrder(seed=self.seed)
            urls = order.sorted(one.url for one in lines)
            documents = await self._read(index.store, urls)
            drafts = [list(draft_questions(document)) for document in documents]
            teacher = None
            if self.teacher is not None:
                model = build_model(self.teacher)
                stack.push_async_callback(model.close)
                teacher = Teacher(model=model)
                pieces = [await index.store.chunks(document.url) for document in documents]
                drafts += await ask_teacher(
                    teacher, pieces, limit=self.limit, journal=journal, progress=self.progress
                )
            reranker = build_reranker(self.settings.answer)
            if reranker is not None:
                stack.push_async_callback(reranker.close)
            retriever = Retriever(
                store=index.store,
                embedder=index.embedder,
                top_k=self.settings.answer.passages,
                reranker=reranker,
                no_encoder=None,
            )
            titles = {one.url: " ".join(one.title.split()) for one in documents}
            rows = await self._check(
                self._checker(retriever), order.one_of_each(drafts), titles, order, journal
            )
        report = self._write(rows, documents=len(documents), teacher=teacher)
        journal.path.unlink(missing_ok=True)
        return report

    def _journal(self, pages: str) -> SynthesisJournal:
        """Open the journal of this run, and say what it begins with."""
        request = {
            "collection": self.collection,
            "seed": self.seed,
            "limit": self.limit,
            "teacher": f"{self.teacher.host} {self.teacher.name}" if self.teacher else "",
            "traits": repr(self._traits()),
            "pages": pages,
        }
        path = self.into.with_name(f"{self.into.name}.part")
        journal = SynthesisJournal(path, request=request)
        if journal.is_resumed:
            count = len(journal.entries)
            self.progress.note(
                Message(
                    "going on with {count:,} {count:?question|questions} of {path}",
                    count=count,
                    path=path,
                )
            )
        return journal

    def _checker(self, retriever: Retriever) -> RowChecker:
        settings = self.settings
        language = settings.answer.language
        return RowChecker(
            retriever=retriever,
            collections=(self.collection,) if self.collection else (),
            passages=settings.answer.passages,
            traits=self._traits(),
            reply_tokens=settings.model.reply_tokens,
            language=None if language == "auto" else language,
        )

    def _traits(self) -> ModelTraits:
        model = self.settings.model
        size = self.size or size_of_model(None, name=model.name, chosen=model.size)
        return ModelTraits(context_tokens=model.context_tokens, size=size)

    async def _read(self, store: ChunkStore, urls: Sequence[str]) -> list[Document]:
        documents: list[Document] = []
        with self.progress.stage(READING_PAGES, total=len(urls)) as stage:
            for at in range(0, len(urls), DOCUMENTS_AT_ONCE):
                batch = urls[at : at + DOCUMENTS_AT_ONCE]
                held = await store.documents(batch)
                # In the order of the URLs: a mapping of the store's has its own.
                documents += (held[url] for url in batch if url in held)
                stage.advance(len(batch))
        return documents

    async def _check(
        self,
        checker: RowChecker,
        drafts: Sequence[QuestionDraft],
        titles: Mapping[str, str],
        order: DraftOrder,
        journal: SynthesisJournal,
    ) -> list[dict[str, Any]]:
        """Return the rows of the drafts, each question once, from the journal where it is there."""
        rows: list[dict[str, Any]] = []
        questions = distinct_questions(drafts)
        with self.progress.stage(CHECKING_ROWS, total=self.limit or len(questions)) as stage:
            for key, (draft, is_shared) in questions.items():
                if self.limit and len(rows) >= self.limit:
                    break
                if key not in journal.entries:
                    made: SynthesizedRow | RejectReason = "ambiguous"
                    declined = sum(not row["answerable"] for row in rows)
                    # Twice the share: for many of them another page may hold an answer, too.
                    is_chosen = order.chance(draft.question) < 2 * DECLINED_SHARE
                    if is_chosen and not is_shared and declined <= DECLINED_SHARE * len(rows):
                        made = await checker.declined(draft)
                    if not isinstance(made, SynthesizedRow):
                        title = titles[draft.url]
                        made = await checker.answered(draft, title=title, is_shared=is_shared)
                    journal.add(key, made.to_json() if isinstance(made, SynthesizedRow) else made)
                entry = journal.entries[key]
                if isinstance(entry, dict):
                    rows.append(entry)
                else:
                    self.rejected[entry] += 1
                if isinstance(entry, dict) or not self.limit:
                    stage.advance(detail=str(len(rows)))
        return rows

    def _write(
        self, rows: Sequence[dict[str, Any]], *, documents: int, teacher: Teacher | None
    ) -> SynthesisReport:
        """Write rows and sheet, each whole or not at all, and return what was made."""
        answered = sum(row["answerable"] for row in rows)
        if not answered:
            raise DataError(
                Message(
                    "no question could be made of the {documents:,} "
                    "{documents:?page|pages} that they answer",
                    documents=documents,
                ),
                hint=_more_rows_hint(teacher),
            )
        # The rows come last: once they are there, nothing of this is made again.
        sheet = self.into.with_name(f"{self.into.stem}.sample.csv")
        write_atomically(sheet, render_row_sheet(rows))
        with atomic_file(self.into) as file:
            for row in rows:
                file.write(json.dumps(row, ensure_ascii=False).encode("utf-8", "replace") + b"\n")
        return SynthesisReport(
            path=self.into,
            sheet=sheet,
            documents=documents,
            rows=len(rows),
            declined=len(rows) - answered,
            kinds=dict(Counter(str(row["kind"]) for row in rows).most_common()),
            languages=dict(Counter(str(row["language"]) for row in rows).most_common()),
            rejected=dict(self.rejected),
            teacher_asked=teacher.asked if teacher else 0,
            teacher_failed=teacher.failed if teacher else 0,
            teacher_unusable=teacher.unusable if teacher else 0,
        )


def _more_rows_hint(teacher: Teacher | None) -> Message:
    """Return what brings more rows, to one who has named a teacher or none."""
    if teacher is None:
        return Message("store more pages, or name a model that writes questions: --teacher")
    return Message(
        "of {asked} {asked:?reply|replies} of the teacher {unusable} "
        "{unusable:?was|were} of no use and {failed} failed: name a larger model, or "
        "store more pages",
        asked=teacher.asked,
        unusable=teacher.unusable,
        failed=teacher.failed,
    )
