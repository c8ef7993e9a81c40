"""Articles in several parts, and routes of apps: what else must be asked for to read a page."""

import pytest

from ingest.documents import Page
from ingest.errors import FetchError, IngestError
from ingest.extract.metadata.next_page import is_next_part
from ingest.foundation.messages import Message
from ingest.web.fetch.memory import MemoryFetcher
from tests.ingest_parts import tiered_fetcher
from tests.page_samples import page

FIRST = "https://news.test/2024/harbour.html"
SENTENCES = (
    "The harbour office keeps a register of every mooring and prints it each spring for skippers.",
    "A mooring that was not used for two winters is offered again, the oldest request comes first.",
)


def part(url: str, number: int, following: str, *, robots: str = "") -> Page:
    text = "".join(f"<p>In part {number}: {sentence}</p>" for sentence in SENTENCES)
    head = f'<title>Harbour</title><meta name="robots" content="{robots}">'
    link = f'<a rel=next href="{following}">next</a>' if following else ""
    body = f"<article><h1>Harbour</h1>{text}</article>{link}"
    return page(f"<html><head>{head}</head><body>{body}</body></html>", url=url)


def parts(count: int) -> dict[str, Page | IngestError]:
    urls = [FIRST, *(f"https://news.test/2024/harbour_{n}.html" for n in range(2, count + 1))]
    return {
        url: part(url, number, following)
        for number, (url, following) in enumerate(zip(urls, [*urls[1:], ""], strict=True), 1)
    }


async def read(pages: dict[str, Page | IngestError]) -> str:
    loaded = await tiered_fetcher(pages).load(FIRST)
    assert loaded.document is not None
    return loaded.document.text


@pytest.mark.anyio
async def test_an_article_in_parts_is_read_as_one_with_all_its_requests() -> None:
    pages = parts(3)
    loaded = await tiered_fetcher(pages).load(FIRST)
    assert loaded.document is not None
    assert [f"In part {n}" in loaded.document.text for n in (1, 2, 3)] == [True] * 3
    assert loaded.document.url == FIRST
    assert loaded.page.body == parts(3)[FIRST].body  # type: ignore[union-attr]


@pytest.mark.anyio
async def test_no_more_than_five_parts_are_asked_for() -> None:
    text = await read(parts(8))
    assert "In part 5" in text
    assert "In part 6" not in text


@pytest.mark.anyio
async def test_a_part_that_cannot_be_had_takes_none_of_the_others_along() -> None:
    second = "https://news.test/2024/harbour_2.html"
    gone = FetchError(Message("gone"), url=second, reason="unreachable")
    assert "In part 1" in await read(parts(3) | {second: gone})
    closed = part(second, 2, "", robots="noindex")
    text = await read(parts(3) | {second: closed})
    assert "In part 1" in text
    assert "In part 2" not in text


@pytest.mark.anyio
async def test_parts_that_lead_in_a_circle_end() -> None:
    second = "https://news.test/2024/harbour_2.html"
    text = await read(parts(2) | {second: part(second, 1, second)})
    assert text.count("In part 1") == len(SENTENCES)


@pytest.mark.parametrize(
    ("url", "following"),
    [
        ("https://a.test/x.html", "https://a.test/x_2.html"),
        ("https://a.test/x_2.html", "https://a.test/x_3.html"),
        ("https://a.gov.test/t20240101_7.html", "https://a.gov.test/t20240101_7_1.html"),
        ("https://a.test/x/", "https://a.test/x/2/"),
        ("https://a.test/x", "https://a.test/x/page/2"),
        ("https://a.test/thread-9-1", "https://a.test/thread-9-2"),
        ("https://a.test/x?id=7", "https://a.test/x?id=7&page=2"),
        ("https://a.test/x?page=2", "https://a.test/x?page=3"),
    ],
)
def test_the_next_number_in_an_address_names_the_next_part(url: str, following: str) -> None:
    assert is_next_part(following, of=url)


@pytest.mark.parametrize(
    ("url", "following"),
    [
        ("https://a.test/x.html", "https://a.test/y.html"),
        ("https://a.test/post-1999", "https://a.test/post-2001"),
        ("https://a.test/x.html", "https://b.test/x_2.html"),
        ("https://a.test/x.html", "https://a.test/x_3.html"),
        ("https://a.test/x?id=7", "https://a.test/x?id=8"),
        ("https://a.test/x?page=2", "https://a.test/x?page=2"),
        ("https://a.test/x?page=2", "https://a.test/x?page=1"),
    ],
)
def test_other_addresses_do_not(url: str, following: str) -> None:
    assert not is_next_part(following, of=url)


@pytest.mark.anyio
async def test_a_route_is_opened_in_the_browser_without_asking_for_the_front_page() -> None:
    url = "https://app.test/#/fees"
    shown = page(f"<article><h1>Fees</h1><p>{SENTENCES[0]}</p></article>", url=url)
    loaded = await tiered_fetcher({}, browser=MemoryFetcher({url: shown})).load(url)
    assert loaded.document is not None
    assert SENTENCES[0] in loaded.document.text
