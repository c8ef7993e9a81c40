"""The second time: which requests are made when the index has the pages already."""

import email.utils
import hashlib
import json
from dataclasses import replace
from pathlib import Path

from assistant.events import SearchFinished
from ingest.events import PageSkipped, PageStored
from tests.internet.demo import sample_pages
from tests.internet.net import Internet, Reply, Request
from tests.journeys.conftest import Shell, Shown

NIGHT = "无人机夜间飞行需要什么条件?"


def with_validators(net: Internet) -> None:
    """Let the sample sites give ETags, and answer 304 to those who have the page."""

    def give(request: Request) -> Reply | None:
        reply = pages.get(request.url) or pages.get(request.url.partition("?")[0])
        if reply is None or reply.status != 200:
            return None
        etag = f'"{hashlib.sha256(reply.payload()).hexdigest()[:12]}"'
        if request.headers.get("if-none-match") == etag:
            return Reply(status=304, headers={"ETag": etag})
        return replace(reply, headers={**reply.headers, "ETag": etag})

    pages = {page.url: Reply(body=page.body) for page in sample_pages()}
    for host in {url.split("/")[2] for url in pages}:
        net.route(host, give)


def page_requests(net: Internet) -> list[Request]:
    return [r for r in net.log if r.path != "/robots.txt" and "duckduckgo" not in r.host]


def stored(shown: Shown) -> list[PageStored]:
    return [event for event in shown.events if isinstance(event, PageStored)]


def test_second_ask_makes_no_request_at_all_while_everything_is_fresh(
    shell: Shell, net: Internet
) -> None:
    first = shell("assistant", "ask", NIGHT, "--web", "--json")
    assert stored(first)
    assert not any(isinstance(event, PageSkipped) for event in first.events)
    net.clear()
    second = shell("assistant", "ask", NIGHT, "--web", "--json")
    assert net.hits() == []
    assert {page.origin for page in stored(second)} == {"memory"}
    assert any(isinstance(event, SearchFinished) and event.cached for event in second.events)
    assert second.answer.answer.citations == first.answer.answer.citations


def test_after_their_time_pages_are_requested_with_conditions_only(
    shell: Shell, net: Internet
) -> None:
    with_validators(net)
    stale = {"ASSISTANT_CRAWL__TTL": "0"}
    shell("assistant", "ask", NIGHT, "--web", "--json", **stale)
    net.clear()
    second = shell("assistant", "ask", NIGHT, "--web", "--json", **stale)
    requests = page_requests(net)
    assert requests
    redirected = [hop.url for page in stored(second) for hop in page.hops[:-1]]
    assert all("if-none-match" in r.headers for r in requests if r.url not in redirected)
    assert {page.origin for page in stored(second)} == {"revalidated"}
    assert "没有变化" in shell("assistant", "ask", NIGHT, "--web", **stale).stderr


def test_fresh_asks_engine_and_sites_again(shell: Shell, net: Internet) -> None:
    shell("assistant", "ask", NIGHT, "--web", "--quiet")
    net.clear()
    shell("assistant", "ask", NIGHT, "--web", "--quiet", "--fresh")
    assert page_requests(net)
    assert net.hits("html.duckduckgo.com")


def test_ingest_of_the_same_list_asks_nobody_twice(
    shell: Shell, net: Internet, tmp_path: Path
) -> None:
    urls = [page.url for page in sample_pages()][:5]
    (tmp_path / "urls.txt").write_text("\n".join(urls))
    shell("ingest", "urls.txt", code=3)  # robots.txt forbids one
    net.clear()
    again = shell("ingest", "urls.txt", "--json", code=3)
    assert net.hits() == []
    found = [json.loads(line) for line in again.stdout.splitlines()]
    assert len(found) == len(urls)
    assert {line.get("origin", line.get("reason")) for line in found} <= {"memory", "robots"}
    shell("ingest", "urls.txt", "--fresh", code=3)
    assert page_requests(net)


def test_page_that_its_site_calls_stale_is_requested_again(shell: Shell, net: Internet) -> None:
    page = sample_pages()[0]
    past = email.utils.formatdate(0, usegmt=True)
    net.page(page.url, page.body, headers={"Expires": past})
    shell("ingest", page.url)
    net.clear()
    shell("ingest", page.url)
    assert page_requests(net)


def test_page_that_is_gone_is_not_requested_again_right_away(shell: Shell, net: Internet) -> None:
    page = sample_pages()[0]
    net.page(page.url, "gone", status=410)
    shell("ingest", page.url, code=1)
    net.clear()
    assert "410" in shell("ingest", page.url, code=1).stderr
    assert page_requests(net) == []
    shell("ingest", page.url, "--fresh", code=1)
    assert page_requests(net)


def test_changed_chunk_size_cuts_pages_of_the_index_anew(shell: Shell) -> None:
    small = {"ASSISTANT_CHUNK__SIZE": "100", "ASSISTANT_CHUNK__OVERLAP": "20"}
    first = stored(shell("assistant", "ask", NIGHT, "--web", "--json"))
    second = stored(shell("assistant", "ask", NIGHT, "--web", "--json", **small))
    assert {page.origin for page in second} == {"memory"}
    counts = {page.url: page.chunks for page in first}
    assert all(page.chunks > counts[page.url] for page in second)
    third = stored(shell("assistant", "ask", NIGHT, "--web", "--fresh", "--json"))
    assert {page.url: page.chunks for page in third} == counts
