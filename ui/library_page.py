"""What the index holds: look into it, add to it, take out of it."""

from collections import Counter
from collections.abc import Awaitable, Callable
from typing import TypeVar

import streamlit as st

from assistant.settings import Settings, load_settings
from ingest.foundation.errors import QiuzhengError
from ingest.foundation.messages import Language, Message
from ingest.index.store.inventory import DocumentLine
from ingest.library import Library, LibraryStatistics, open_library
from ui import labels
from ui.jobs.ingest_job import IngestJob
from ui.jobs.removal import DocumentRemoval
from ui.markup.safe_markdown import escape_error, escape_markdown, escape_message
from ui.service import AssistantService
from ui.turn_fields import display_place, path_of_file, shorten_title
from ui.uploads import keep_upload, without_library

T = TypeVar("T")

POLL_S = 0.5
"""Seconds between two looks at a job."""
SHOWN_URLS = 10
"""URLs shown of the documents that are to be removed."""
SEEN_JOB = "seen-job"
"""The job whose end the page has seen, in the session's state."""
SHOWN_DOCUMENTS = 1_000
"""Rows of the table; the search finds the others."""
SEEN_REMOVAL = "seen-removal"
"""The removal that the page has seen, and in which state, in the session's state."""
GROWTH_PIXELS = 240
"""Height of the plot: it is read at a glance, below the table that matters more."""
REMOVAL_POLL_S = 1.0
"""Seconds between two looks at a removal."""


def draw_library(service: AssistantService, language: Language) -> None:
    """Draw the page."""
    st.title(labels.LIBRARY.localize(language), anchor=False)
    try:
        settings = load_settings()
        lines = _with_library(service, settings, lambda library: library.lines(order="date"))
        statistics = _with_library(service, settings, lambda library: library.statistics())
        service.jobs.collections = tuple(statistics.collections)
    except QiuzhengError as error:
        st.error(escape_error(error, language))
        return
    draw_adding(service, language)
    draw_job(service, language)
    draw_removal(service, language)
    removal = service.jobs.removal
    if removal is not None and removal.state in ("waiting", "removing"):
        lines = [line for line in lines if line.url not in removal.urls]
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
            sources += [str(keep_upload(file.name, file.getbuffer())) for file in files]
        except OSError as error:
            failed = Message("a file cannot be kept: {error}", error=error)
            st.error(escape_message(failed, language))
            return
        if sources:
            options = ("--collection", collection) if collection else ()
            job = IngestJob(sources=tuple(sources))
            service.jobs.start_ingest(job, language=language, options=options)


def draw_job(service: AssistantService, language: Language) -> None:
    """Draw how far the reading has come, and what could not be read."""
    job = service.jobs.ingest
    if job is not None:
        # A look each half second that finds nothing new would keep browser and server busy.
        poll_s = None if job.is_over else POLL_S
        st.fragment(draw_job_state, run_every=poll_s)(service, job, language)


def draw_job_state(service: AssistantService, job: IngestJob, language: Language) -> None:
    """Draw the job as it is now; once more with the whole page when it has ended."""
    job = service.jobs.ingest or job
    done = Message(
        "{stored} stored, {unchanged} unchanged, {failed} not read",
        stored=job.stored,
        unchanged=job.unchanged,
        failed=job.failed,
    )
    if not job.is_over:
        settled = job.stored + job.unchanged + job.failed
        texts = [done, *([labels.time_left(job.seconds_left)] if job.seconds_left else [])]
        if service.jobs.waiting_ingests:
            texts.append(Message("{count} more wait", count=service.jobs.waiting_ingests))
        shown = " · ".join([*(text.localize(language) for text in texts), display_place(job.last)])
        st.progress(min(0.99, settled / job.total), text=escape_markdown(shown))
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
        st.text(f"{display_place(failure.source)} · {without_library(failure.reason)}")
    if job.failures and st.button(labels.RETRY.localize(language), key="retry-ingest"):
        sources = tuple(failure.source for failure in job.failures if failure.source)
        service.jobs.start_ingest(IngestJob(sources=sources), language=language)
        # With the whole page: this fragment looks no more at what has ended.
        st.rerun()


def draw_removal(service: AssistantService, language: Language) -> None:
    """Draw what is being taken out, and the way to leave it where it is."""
    removal = service.jobs.removal
    if removal is not None:
        poll_s = REMOVAL_POLL_S if removal.state in ("waiting", "removing") else None
        st.fragment(draw_removal_state, run_every=poll_s)(service, removal, language)


def draw_removal_state(
    service: AssistantService, removal: DocumentRemoval, language: Language
) -> None:
    """Draw the removal as it is now; once more with the whole page when its state has changed."""
    shown = st.session_state.get(SEEN_REMOVAL)
    st.session_state[SEEN_REMOVAL] = (id(removal), removal.state)
    if shown not in (None, st.session_state[SEEN_REMOVAL]):
        # Once a state: the table was drawn before it.
        st.rerun()
    if removal.error is not None:
        st.error(escape_error(removal.error, language))
    if removal.state not in ("waiting", "removing"):
        return
    taken = Message("Removed from the index: {count}", count=len(removal.urls))
    with st.container(horizontal=True, vertical_alignment="center"):
        names = ", ".join(display_place(url) for url in removal.urls[:SHOWN_URLS])
        st.caption(f"{escape_message(taken, language)} · {escape_markdown(names)}")
        if removal.state == "waiting":
            st.button(
                labels.UNDO.localize(language),
                key="undo-removal",
                on_click=service.jobs.undo_removal,
            )


def draw_documents(
    service: AssistantService, settings: Settings, lines: list[DocumentLine], language: Language
) -> None:
    """Draw the documents as a table, and what can be done with those that are chosen."""
    found = draw_document_filter(lines, language)
    if not found:
        st.info(labels.LIBRARY_EMPTY.localize(language))
        return
    shown = found[:SHOWN_DOCUMENTS]
    rows = [
        {
            labels.TITLE.localize(language): shorten_title(line.title),
            labels.PLACE.localize(language): display_place(line.url),
            labels.COLLECTION.localize(language): ", ".join(
                labels.collection_label(name).localize(language) for name in line.collections
            ),
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


def draw_document_filter(lines: list[DocumentLine], language: Language) -> list[DocumentLine]:
    """Draw the search field and the collections, and return the documents that they leave."""
    wanted = st.text_input(
        labels.SEARCH_LIBRARY.localize(language),
        placeholder=labels.SEARCH_LIBRARY.localize(language),
        label_visibility="collapsed",
        key="search-library",
    ).casefold()
    counts = Counter(name for line in lines for name in line.collections)
    chosen: str | None = None
    if len(counts) > 1:
        chosen = st.pills(
            labels.COLLECTIONS.localize(language),
            list(counts),
            format_func=lambda name: (
                f"{labels.collection_label(name).localize(language)} · {counts[name]}"
            ),
            key="library-collection",
            label_visibility="collapsed",
        )
    return [
        line
        for line in lines
        if wanted in f"{line.title} {display_place(line.url)}".casefold()
        and (chosen is None or chosen in line.collections)
    ]


def draw_chosen(
    service: AssistantService, settings: Settings, urls: list[str], language: Language
) -> None:
    """Draw what can be done with the chosen documents, and the text of a single one."""
    again, remove = st.columns(2)
    sources = tuple(str(path_of_file(u)) if u.startswith("file://") else u for u in urls)
    # Called before the page is drawn again, so that it draws the job from its beginning on.
    again.button(
        labels.READ_AGAIN.localize(language),
        key="read-again",
        width="stretch",
        on_click=lambda: service.jobs.start_ingest(
            IngestJob(sources=sources), language=language, options=("--refresh",)
        ),
    )
    remove.button(
        labels.REMOVE.localize(language),
        key="remove",
        width="stretch",
        on_click=service.jobs.start_removal,
        args=(settings, urls),
    )
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
    st.caption(escape_message(total, language))
    # A single month says no more than the line above.
    if len(statistics.growth) > 1:
        st.bar_chart(
            {month.month: month.documents for month in statistics.growth},
            x_label=labels.MONTH.localize(language),
            y_label=labels.DOCUMENTS.localize(language),
            height=GROWTH_PIXELS,
        )
