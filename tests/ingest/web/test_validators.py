"""What is kept of a page that was read, and of one that was confirmed."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ingest.documents import RequestRecord
from ingest.web.fetch.memory import html_page
from ingest.web.validators import refresh_validators, validators_of

URL = "https://tea.test/"
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
LATER = NOW + timedelta(hours=2)
PAGE = replace(
    html_page(URL, "<p>Tea</p>", fetched_at=NOW),
    etag='"1"',
    last_modified="Fri, 20 Nov 2026 00:00:00 GMT",
    cache_control="max-age=600",
)
UNCHANGED = replace(
    html_page(URL, b"", fetched_at=LATER),
    hops=(RequestRecord(url=URL, status=304),),
    robots="robots.txt: 404",
)


def test_validators_hold_what_a_conditional_request_takes() -> None:
    validators = validators_of(PAGE, ttl_s=60)
    assert (validators.etag, validators.last_modified) == (PAGE.etag, PAGE.last_modified)
    assert validators.fresh_until == NOW + timedelta(seconds=600)
    assert validators.body_hash == PAGE.body_hash


def test_a_304_keeps_what_it_does_not_repeat() -> None:
    before = validators_of(PAGE, ttl_s=60)
    after = refresh_validators(before, UNCHANGED, ttl_s=60)
    assert (after.etag, after.body_hash) == (before.etag, before.body_hash)
    assert after.checked_at == LATER
    assert after.fresh_until == LATER + timedelta(seconds=600)
    assert after.robots == "robots.txt: 404"


def test_no_cache_holds_after_a_304_too() -> None:
    before = validators_of(replace(PAGE, cache_control="no-cache"), ttl_s=3_600)
    assert refresh_validators(before, UNCHANGED, ttl_s=3_600).fresh_until == LATER


@pytest.mark.parametrize("header", ["max-age=60", "no-cache"])
def test_what_a_304_says_of_freshness_holds(header: str) -> None:
    before = validators_of(PAGE, ttl_s=3_600)
    after = refresh_validators(before, replace(UNCHANGED, cache_control=header), ttl_s=3_600)
    assert after.fresh_until == LATER + timedelta(seconds=60 if "60" in header else 0)


def test_same_bytes_without_a_304_bring_their_own_headers() -> None:
    before = replace(validators_of(PAGE, ttl_s=60), final_url="https://tea.test/green")
    again = replace(PAGE, fetched_at=LATER, etag='"2"')
    after = refresh_validators(before, again, ttl_s=60)
    assert (after.etag, after.final_url) == ('"2"', before.final_url)
