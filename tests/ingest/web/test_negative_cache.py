"""What is remembered of pages that were no use, and what is not."""

from typing import get_args

import pytest

from ingest.documents import RequestRecord
from ingest.errors import ExtractError, FetchError, SkipReason
from ingest.foundation.cache import ExpiringCache
from ingest.foundation.errors import MissingDependencyError
from ingest.foundation.messages import Message
from ingest.web.negative_cache import KEEP_S, KEPT, NegativeCache

URL = "https://gone.test/"


def failure(reason: SkipReason, *, asked: bool = True) -> FetchError:
    error = FetchError(
        Message.bilingual("it is gone", "没有了"),
        url=URL,
        reason=reason,
        hint=Message.bilingual("try another", "请换一个"),
        robots="no rule matches",
    )
    error.hops = (RequestRecord(url=URL, status=410),) if asked else ()
    return error


def test_what_a_site_answered_is_recalled_with_its_words() -> None:
    refusals = NegativeCache(cache=ExpiringCache())
    refusals.keep(URL, failure("refused"))
    found = refusals.recall(URL)
    assert found is not None
    assert (found.reason, found.localize("zh"), found.robots) == (
        "refused",
        "没有了：请换一个",
        "no rule matches",
    )
    assert found.hops == ()


def test_a_refusal_is_forgotten_after_some_minutes() -> None:
    now = 0.0
    refusals = NegativeCache(cache=ExpiringCache(clock=lambda: now))
    refusals.keep(URL, failure("empty"))
    now = KEEP_S + 1
    assert refusals.recall(URL) is None


@pytest.mark.parametrize("reason", sorted(set(get_args(SkipReason)) - KEPT))
def test_what_may_be_over_by_now_is_not_remembered(reason: SkipReason) -> None:
    refusals = NegativeCache(cache=ExpiringCache())
    refusals.keep(URL, failure(reason))
    assert refusals.recall(URL) is None


@pytest.mark.parametrize("status", [429, 500, 503])
def test_status_that_speaks_of_the_moment_is_not_remembered(status: int) -> None:
    refusals = NegativeCache(cache=ExpiringCache())
    error = failure("refused")
    error.hops = (RequestRecord(url=URL, status=status),)
    refusals.keep(URL, error)
    assert refusals.recall(URL) is None


def test_page_that_was_never_asked_for_is_not_remembered() -> None:
    refusals = NegativeCache(cache=ExpiringCache())
    refusals.keep(URL, failure("refused", asked=False))
    assert refusals.recall(URL) is None


def test_part_that_is_missing_here_is_not_held_against_the_page() -> None:
    refusals = NegativeCache(cache=ExpiringCache())
    missing = MissingDependencyError(
        Message.bilingual("needs a part", "缺少组件"),
        hint=Message.bilingual("pip install it", "请安装"),
    )
    error = ExtractError(missing.message, url=URL, reason="unsupported")
    error.__cause__ = missing
    error.hops = (RequestRecord(url=URL, status=200),)
    refusals.keep(URL, error)
    assert refusals.recall(URL) is None


@pytest.mark.parametrize(
    "kept", [b"", b"\xff", b"no json", b"[]", b"{}", b'{"reason": "odd", "message": 1}']
)
def test_what_another_version_wrote_counts_as_nothing(kept: bytes) -> None:
    cache = ExpiringCache()
    refusals = NegativeCache(cache=cache)
    cache.put(f"refusal {URL}", kept, ttl_s=60)
    assert refusals.recall(URL) is None
