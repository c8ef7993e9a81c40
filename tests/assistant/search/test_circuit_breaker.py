"""The breaker by itself: who may ask again, and after how long."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.errors import SearchFailure
from assistant.search.circuit_breaker import (
    FIRST_WAIT_S,
    MAX_RETRY_AFTER_S,
    MAX_WAIT_S,
    MIN_WAIT_S,
    PROBE_S,
    CircuitBreaker,
    describe_seconds,
)
from ingest.foundation.cache import ExpiringCache
from tests.breaker_kit import Clock, longest, refusal

pytestmark = pytest.mark.anyio


@pytest.fixture
def clock() -> Clock:
    return Clock()


def breaker(clock: Clock, cache: ExpiringCache | None = None) -> CircuitBreaker:
    return CircuitBreaker("E", cache=cache or ExpiringCache(clock=clock), clock=clock, draw=longest)


def test_only_one_asks_again_after_a_wait(clock: Clock) -> None:
    cache = ExpiringCache(clock=clock)
    first, second = breaker(clock, cache), breaker(clock, cache)
    first.on_failure(refusal())
    clock.now += FIRST_WAIT_S
    assert first.open_error() is None
    first.on_attempt()
    assert second.open_error() is not None
    clock.now += PROBE_S  # the first was interrupted and never said how it went
    assert second.open_error() is None


def test_one_failure_after_a_wait_is_enough_to_open_again(clock: Clock) -> None:
    guard = breaker(clock)
    guard.on_failure(refusal())
    clock.now += FIRST_WAIT_S
    guard.on_attempt()
    guard.on_failure(refusal("timeout"))
    open_error = guard.open_error()
    assert open_error is not None
    assert open_error.retry_after_s == 2 * FIRST_WAIT_S


def test_failures_are_counted_in_a_row(clock: Clock) -> None:
    guard = breaker(clock)
    for _time in range(5):
        guard.on_failure(refusal("timeout"))
        guard.on_success()
    assert guard.open_error() is None


@pytest.mark.parametrize("kind", ["unreachable", "misconfigured"])
def test_what_is_not_the_engines_fault_opens_nothing(clock: Clock, kind: SearchFailure) -> None:
    guard = breaker(clock)
    for _time in range(5):
        guard.on_failure(refusal(kind))
    assert guard.open_error() is None


@pytest.mark.parametrize(
    ("asked_s", "wait_s"),
    [(0.0, MIN_WAIT_S), (77.0, 77.0), (1e12, MAX_RETRY_AFTER_S)],
)
def test_an_absurd_retry_after_is_bounded(clock: Clock, asked_s: float, wait_s: float) -> None:
    guard = breaker(clock)
    guard.on_failure(refusal(retry_after_s=asked_s))
    open_error = guard.open_error()
    assert open_error is not None
    assert open_error.retry_after_s == wait_s


def test_what_another_version_wrote_is_a_clean_slate(clock: Clock) -> None:
    cache = ExpiringCache(clock=clock)
    cache.put("search.health E", b'{"unheard": "of"}', ttl_s=60)
    assert breaker(clock, cache).open_error() is None


@given(seed=st.integers(), refusals=st.integers(1, 40))
def test_waits_are_jittered_between_their_bounds(seed: int, refusals: int) -> None:
    clock = Clock()
    draw = random.Random(seed).uniform
    guard = CircuitBreaker("E", cache=ExpiringCache(clock=clock), clock=clock, draw=draw)
    for time_ in range(refusals):
        guard.on_failure(refusal())
        open_error = guard.open_error()
        assert open_error is not None
        assert open_error.retry_after_s is not None
        ceiling = min(MAX_WAIT_S, FIRST_WAIT_S * 2**time_)
        assert MIN_WAIT_S - 1e-3 <= open_error.retry_after_s <= ceiling + 1e-3
        clock.now += ceiling + 1


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.2, "1 s"), (40, "40 s"), (120, "2 min"), (5_000, "83 min"), (86_400, "24 h")],
)
def test_times_are_said_as_people_say_them(seconds: float, said: str) -> None:
    assert describe_seconds(seconds).localize("en") == said
