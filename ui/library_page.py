"""What the index holds: look into it, add to it, take out of it."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import streamlit as st

from assistant.settings import Settings, load_settings
from assistant.snapshots.removal import remove_quoting_snapshots
from ingest.foundation.errors import QiuzhengError, SettingsError
from ingest.foundation.messages import Language, Message
from ingest.foundation.private_files import make_private_file
from ingest.foundation.settings import home
from ingest.index.store.inventory import DocumentLine
from ingest.library import Library, LibraryStatistics, open_library
from ui import labels
from ui.ingest_job import IngestJob
from ui.markup.safe_markdown import escape_markdown
from ui.service import AssistantService
from ui.turn_fields import display_place, shorten_title

T = TypeVar("T")

POLL_S = 0.5
"""Seconds between two looks at a job."""
SHOWN_URLS = 10
"""Of those that are to be removed."""
SEEN_JOB = "seen-job"
"""The job whose end the page has seen, in the session's state."""
SHOWN_DOCUMENTS = 1_000
"""Rows of the table; the search finds the others."""
CONFIRM = "confirm-remove"
"""URLs whose removal waits for a yes, in the session's state."""


def draw_library(service: AssistantService, language: Language) -> None:
    """Draw the page."""
    st.title(labels.LIBRARY.localize(language), anchor=False)
    try:
        settings = load_settings()
        lines = _with_library(service, settings, lambda library: library.lines(order="date"))
        statistics = _with_library(service, settings, lambda library: library.statistics())
        service.collections = tuple(statistics.collections)
    except (QiuzhengError, SettingsError) as error:
        st.error(f"{_line(error.message, language)}\n\n{_line(error.hint, language)}")
        return
    draw_adding(service, language)
    draw_job(service, language)
    draw_documents(service, settings, lines, language)
    draw_statistics(statistics, language)


def _with_library(
    service: AssistantService, settings: Settings, use: Callable[[Library], Awaitable[T]]
) -> T:
    async def open_and_use() -> T:
        async with open_library(settings) as library:
            return await use(library)

    return service.run(open_and_use())


def draw_adding(service: AssistantService, language: Language) -> None:
    """Draw the ways in: addresses, and files."""
    with st.expander(labels.ADD.localize(language), icon=":material/add:"), st.form("add"):
        addresses = st.text_area(
            labels.ADDRESSES.localize(language), placeholder="https://…", height=100
        )
        files = st.file_uploader(labels.FILES.localize(language), accept_multiple_files=True)
        collection = st.text_input(
            labels.COLLECTION.localize(language), help=labels.COLLECTION_HELP.localize(language)
        ).strip()
        if not st.form_submit_button(labels.ADD_NOW.localize(language)):
            return
        sources = [line.strip() for line in addresses.splitlines() if line.strip()]
        try:
            sources += [str(_keep_file(file.name, file.getbuffer())) for file in files]
        except OSError as error:
            failed = Message("a file cannot be kept: {error}", error=error)
            st.error(_line(failed, language))
            return
        if sources:
            options = ("--collection", collection) if collection else ()
            job = IngestJob(sources=tuple(sources))
            service.start_ingest(job, language=language, options=options)


def _keep_file(name: str, content: Any) -> Path:
    """Keep an uploaded file in the home, where its document points to; return its path."""
    # The name comes from a browser: of a path only its end is taken.
    wanted = home() / "library" / (Path(name.replace("\\", "/")).name.lstrip(".") or "file")
    path, number = wanted, 1
    while path.exists() and path.read_bytes() != bytes(content):
        # Another file of the same name, which a document points to.
        number += 1
        path = wanted.with_stem(f"{wanted.stem} ({number})")
    make_private_file(path)
    path.write_bytes(content)
    return path


@st.fragment(run_every=POLL_S)
def draw_job(service: AssistantService, language: Language) -> None:
    """Draw how far the reading has come, and what could not be read."""
    job = service.ingest
    if job is None:
        return
    done = Message(
        "{stored} stored, {unchanged} unchanged, {failed} not read",
        stored=job.stored,
        unchanged=job.unchanged,
        failed=job.failed,
    )
    if not job.is_over:
        st.progress(
            min(0.99, (job.stored + job.unchanged + job.failed) / max(len(job.sources), 1)),
            text=escape_markdown(f"{done.localize(language)} · {job.last}"),
        )
        return
    if st.session_state.get(SEEN_JOB) != id(job):
        # Once: the table was drawn before the job's end.
        st.session_state[SEEN_JOB] = id(job)
        st.rerun()
    (st.warning if job.failed or job.message else st.success)(
        escape_markdown(job.message or done.localize(language))
    )
    for failure in job.failures:
        # As text: in Markdown "->" would become an arrow, and a file may be named so.
        st.text(f"{display_place(failure.source)} · {failure.reason}")
    if job.failures and st.button(labels.RETRY.localize(language), key="retry-ingest"):
        sources = tuple(failure.source for failure in job.failures if failure.source)
        service.start_ingest(IngestJob(sources=sources), language=language)


def draw_documents(
    service: AssistantService, settings: Settings, lines: list[DocumentLine], language: Language
) -> None:
    """Draw the documents as a table, and what can be done with those that are chosen."""
    wanted = st.text_input(
        labels.SEARCH_LIBRARY.localize(language),
        placeholder=labels.SEARCH_LIBRARY.localize(language),
        label_visibility="collapsed",
        key="search-library",
    ).casefold()
    found = [line for line in lines if wanted in f"{line.title} {line.url}".casefold()]
    if not found:
        st.info(labels.LIBRARY_EMPTY.localize(language))
        return
    shown = found[:SHOWN_DOCUMENTS]
    rows = [
        {
            labels.TITLE.localize(language): shorten_title(line.title),
            labels.PLACE.localize(language): display_place(line.url),
            labels.LANGUAGE.localize(language): line.language,
            labels.CHUNKS.localize(language): line.chunks,
            labels.READ_ON.localize(language): line.fetched_at.astimezone().date(),
        }
        for line in shown
    ]
    # A choice is by the row: of other rows it would be another choice.
    key = f"documents-{hash(tuple(line.url for line in shown))}"
    table = st.dataframe(
        rows, hide_index=True, on_select="rerun", selection_mode="multi-row", key=key
    )
    urls = [shown[row].url for row in table.selection.rows if row < len(shown)]
    if urls:
        draw_chosen(service, settings, urls, language)


def draw_chosen(
    service: AssistantService, settings: Settings, urls: list[str], language: Language
) -> None:
    """Draw what can be done with the chosen documents, and the text of a single one."""
    again, remove = st.columns(2)
    if again.button(labels.READ_AGAIN.localize(language), key="read-again", width="stretch"):
        sources = tuple(display_place(u) if u.startswith("file://") else u for u in urls)
        service.start_ingest(IngestJob(sources=sources), language=language, options=("--refresh",))
    if remove.button(labels.REMOVE.localize(language), key="remove", width="stretch"):
        st.session_state[CONFIRM] = urls
    if st.session_state.get(CONFIRM) == urls:
        question = Message("Remove {count} from the index? This cannot be undone.", count=len(urls))
        st.warning(_line(question, language))
        st.text("\n".join(display_place(url) for url in urls[:SHOWN_URLS]))
        if st.button(labels.REMOVE_NOW.localize(language), key="remove-now"):
            _with_library(service, settings, lambda library: library.remove(urls))
            remove_quoting_snapshots(settings.snapshots.path, urls)
            del st.session_state[CONFIRM]
            st.rerun()
    if len(urls) == 1:
        details = _with_library(service, settings, lambda library: library.details(urls[0]))
        with st.expander(labels.TEXT.localize(language), expanded=True):
            # As text: what a page says is not to be drawn as anything else.
            st.text(details.document.text)


def draw_statistics(statistics: LibraryStatistics, language: Language) -> None:
    """Draw how large the index is, and how it grew."""
    st.subheader(labels.GROWTH.localize(language), anchor=False)
    stats = statistics.stats
    size = sum(statistics.file_bytes.values()) / 1_000_000
    total = Message(
        "{documents} documents, {chunks} chunks, {embedded} with vectors, {size:.1f} MB",
        documents=stats.documents,
        chunks=stats.chunks,
        embedded=stats.embedded,
        size=size,
    )
    st.caption(_line(total, language))
    if statistics.growth:
        st.bar_chart(
            {month.month: month.documents for month in statistics.growth},
            x_label=labels.MONTH.localize(language),
            y_label=labels.DOCUMENTS.localize(language),
        )


def _line(text: Message, language: Language) -> str:
    return escape_markdown(text.localize(language))
