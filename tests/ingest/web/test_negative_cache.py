"""Which failures of pages are kept, for how long, and which are not."""

from typing import get_args

import pytest

from ingest.documents import RequestRecord
from ingest.errors import ExtractError, FetchError, SkipReason
from ingest.foundation.cache import ExpiringCache
from ingest.foundation.errors import MissingDependencyError
from ingest.foundation.messages import Message
from ingest.web.negative_cache import KEEP_S, KEPT, NegativeCache

URL = "https://gone.test/"


def failure(reason: SkipReason, *, requested: bool = True) -> FetchError:
    error = FetchError(
        Message.bilingual("it is gone", "没有了"),
        url=URL,
        reason=reason,
        hint=Message.bilingual("try another", "请换一个"),
        robots="no rule matches",
    )
    error.hops = (RequestRecord(url=URL, status=410),) if requested else ()
    return error


def test_a_failure_is_recalled_with_its_message_in_each_language() -> None:
    negative_cache = NegativeCache(cache=ExpiringCache())
    negative_cache.keep(URL, failure("refused"))
    found = negative_cache.recall(URL)
    assert found is not None
    assert (found.reason, found.localize("zh"), found.robots) == (
        "refused",
        "没有了：请换一个",
        "no rule matches",
    )
    assert found.hops == ()


def test_a_failure_is_forgotten_after_some_minutes() -> None:
    now = 0.0
    negative_cache = NegativeCache(cache=ExpiringCache(clock=lambda: now))
    negative_cache.keep(URL, failure("empty"))
    now = KEEP_S + 1
    assert negative_cache.recall(URL) is None


@pytest.mark.parametrize("reason", sorted(set(get_args(SkipReason)) - KEPT))
def test_what_may_be_over_by_now_is_not_kept(reason: SkipReason) -> None:
    negative_cache = NegativeCache(cache=ExpiringCache())
    negative_cache.keep(URL, failure(reason))
    assert negative_cache.recall(URL) is None


def test_a_page_that_asks_to_be_left_out_is_kept_while_its_directives_are_obeyed() -> None:
    cache = ExpiringCache()
    obeying = NegativeCache(cache=cache, respected=["noindex", "noai"])
    error = failure("robots")
    error.hops = (RequestRecord(url=URL, status=200),)
    obeying.keep(URL, error)
    found = NegativeCache(cache=cache, respected=["noai", "noindex"]).recall(URL)
    assert found is not None
    assert found.reason == "robots"
    assert NegativeCache(cache=cache, respected=["noai"]).recall(URL) is None


@pytest.mark.parametrize("status", [429, 500, 503])
def test_status_of_a_moment_is_not_kept(status: int) -> None:
    negative_cache = NegativeCache(cache=ExpiringCache())
    error = failure("refused")
    error.hops = (RequestRecord(url=URL, status=status),)
    negative_cache.keep(URL, error)
    assert negative_cache.recall(URL) is None


def test_page_that_was_never_requested_is_not_kept() -> None:
    negative_cache = NegativeCache(cache=ExpiringCache())
    negative_cache.keep(URL, failure("refused", requested=False))
    assert negative_cache.recall(URL) is None


def test_missing_dependency_is_not_held_against_the_page() -> None:
    negative_cache = NegativeCache(cache=ExpiringCache())
    missing = MissingDependencyError(
        Message.bilingual("needs a part", "缺少组件"),
        hint=Message.bilingual("pip install it", "请安装"),
    )
    error = ExtractError(missing.message, url=URL, reason="unsupported")
    error.__cause__ = missing
    error.hops = (RequestRecord(url=URL, status=200),)
    negative_cache.keep(URL, error)
    assert negative_cache.recall(URL) is None


@pytest.mark.parametrize(
    "kept", [b"", b"\xff", b"no json", b"[]", b"{}", b'{"reason": "odd", "message": 1}']
)
def test_what_another_version_wrote_counts_as_nothing(kept: bytes) -> None:
    cache = ExpiringCache()
    negative_cache = NegativeCache(cache=cache)
    cache.put(f"failure {URL}", kept, ttl_s=60)
    assert negative_cache.recall(URL) is None
