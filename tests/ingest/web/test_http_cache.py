"""Until when a page is fresh, by RFC 9111, whatever its site sends."""

import dataclasses
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.documents import Page
from ingest.web.http_cache import MAX_FRESHNESS, fresh_until

FETCHED_AT = datetime(2026, 11, 20, 12, 0, 0, tzinfo=UTC)
DEFAULT_S = 900.0
HEADER = st.text(max_size=40) | st.lists(
    st.sampled_from(
        ["max-age", "=", '"', ",", "60", "-1", "no-cache", " ", "Fri, 20 Nov 2026", "12:30:00 GMT"]
    ),
    max_size=8,
).map("".join)


def page(*, cache_control: str = "", expires: str = "") -> Page:
    return Page(
        url="https://a.example/",
        final_url="https://a.example/",
        media_type="text/html",
        charset=None,
        body=b"",
        fetched_at=FETCHED_AT,
        fetcher="http",
        robots="",
        cache_control=cache_control,
        expires=expires,
    )


def lifetime_s(*, cache_control: str = "", expires: str = "") -> float:
    given_page = page(cache_control=cache_control, expires=expires)
    return (fresh_until(given_page, default_ttl_s=DEFAULT_S) - FETCHED_AT).total_seconds()


@pytest.mark.parametrize(
    ("cache_control", "seconds"),
    [
        ("max-age=60", 60),
        ("Max-Age=60", 60),
        ("public, max-age=60", 60),
        ('private="x, y", max-age="60"', 60),
        ("max-age = 60", 60),
        ("max-age=60, must-revalidate", 60),
        ("max-age=60, max-age=3600", 60),
        ("s-maxage=3600, max-age=60", 60),
        ("stale-while-revalidate=3600,max-age=60", 60),
        ("max-age=60;", 60),
        ("max-age=0", 0),
        ("no-store", 0),
        ("no-cache", 0),
        ("no-cache, max-age=60", 0),
        ("max-age=60, NO-CACHE", 0),
        ('no-cache="set-cookie", max-age=60', 0),
        ("max-age=-1", 0),
        ("max-age=1.5", 0),
        ("max-age=", 0),
        ("max-age", 0),
        ("max-age=soon", 0),
        ("max-age=６０", 0),
        ("s-maxage=60", DEFAULT_S),
        ("must-revalidate", DEFAULT_S),
        ("public", DEFAULT_S),
        ("x-max-age=60", DEFAULT_S),
        ("", DEFAULT_S),
        (" , ,;= ", DEFAULT_S),
    ],
)
def test_cache_control_says_how_long_a_page_is_fresh(cache_control: str, seconds: float) -> None:
    assert lifetime_s(cache_control=cache_control) == seconds


@pytest.mark.parametrize("huge", ["31536000", "9" * 12, "9" * 5000])
def test_no_page_is_fresh_for_more_than_a_week(huge: str) -> None:
    assert lifetime_s(cache_control=f"max-age={huge}, immutable") == MAX_FRESHNESS.total_seconds()
    assert lifetime_s(expires="Wed, 20 Nov 2030 12:00:00 GMT") == MAX_FRESHNESS.total_seconds()
    assert fresh_until(page(), default_ttl_s=1e300) == FETCHED_AT + MAX_FRESHNESS


@pytest.mark.parametrize(
    ("expires", "seconds"),
    [
        ("Fri, 20 Nov 2026 12:30:00 GMT", 1800),
        ("Friday, 20-Nov-26 12:30:00 GMT", 1800),
        ("Fri Nov 20 12:30:00 2026", 1800),
        ("Fri, 20 Nov 2026 13:30:00 +0100", 1800),
        ("Fri, 20 Nov 2026 12:30:00 -0000", 1800),
        ("Fri, 20 Nov 2026 11:00:00 GMT", 0),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
        ("0", 0),
        ("-1", 0),
        ("never", 0),
        ("Fri, 99 Nov 2026 12:30:00 GMT", 0),
        ("Fri, 20 Nov 99999999999999999999 12:30:00 GMT", 0),
        ("", DEFAULT_S),
        ("  ", DEFAULT_S),
    ],
)
def test_expires_counts_and_a_bad_date_is_stale(expires: str, seconds: float) -> None:
    assert lifetime_s(expires=expires) == seconds


def test_max_age_overrules_expires_and_silence_lets_it_speak() -> None:
    expires = "Fri, 20 Nov 2026 12:30:00 GMT"
    assert lifetime_s(cache_control="max-age=60", expires=expires) == 60
    assert lifetime_s(cache_control="no-store", expires=expires) == 0
    assert lifetime_s(cache_control="public", expires=expires) == 1800


def test_last_modified_alone_changes_nothing() -> None:
    old = dataclasses.replace(page(), last_modified="Fri, 20 Nov 2020 12:30:00 GMT")
    until = fresh_until(old, default_ttl_s=DEFAULT_S)
    assert until == FETCHED_AT + timedelta(seconds=DEFAULT_S)


@given(HEADER, HEADER, st.floats(0, 1e9))
def test_any_header_gives_a_moment_from_the_fetch_to_a_week_later(
    cache_control: str, expires: str, default_ttl_s: float
) -> None:
    asked = page(cache_control=cache_control, expires=expires)
    until = fresh_until(asked, default_ttl_s=default_ttl_s)
    assert FETCHED_AT <= until <= FETCHED_AT + MAX_FRESHNESS
