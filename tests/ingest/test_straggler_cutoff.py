"""When the wait for slow pages ends."""

import pytest

from ingest.events import IngestEvent, PageSkipped, PageStored
from ingest.straggler_cutoff import GRACE_FACTOR, MIN_GRACE_S, StragglerCutoff


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def stored(coverage: float) -> PageStored:
    return PageStored(
        url="https://a.test/",
        title="A",
        chunks=1,
        embedded=0,
        robots="",
        fetcher="http",
        coverage=coverage,
    )


GOOD, OFF = stored(0.5), stored(0.4)
SKIPPED = PageSkipped(url="https://b.test/", reason="refused")


def cutoff(clock: Clock, *, enough: int | None = 3, wanted: int = 10) -> StragglerCutoff:
    return StragglerCutoff(until=112.0, enough=enough, wanted=wanted, clock=clock)


def after(clock: Clock, *events: IngestEvent) -> float | None:
    one = cutoff(clock)
    clock.now += 0.2
    for event in events:
        one.count(event)
    return one.left()


def test_until_there_is_enough_the_deadline_holds() -> None:
    assert after(Clock(), GOOD, GOOD) == pytest.approx(11.8)
    assert after(Clock(), GOOD, GOOD, OFF, SKIPPED) == pytest.approx(11.8)


def test_enough_good_pages_leave_the_slow_ones_a_second() -> None:
    assert after(Clock(), GOOD, GOOD, GOOD) == pytest.approx(MIN_GRACE_S)


def test_nearly_all_pages_are_enough_whatever_they_hold() -> None:
    assert after(Clock(), *[OFF] * 5, *[SKIPPED] * 4) == pytest.approx(MIN_GRACE_S)


def test_when_the_quick_ones_took_long_the_slow_ones_get_as_long_again() -> None:
    clock = Clock()
    one = cutoff(clock)
    clock.now += 3
    for _ in range(3):
        one.count(GOOD)
    assert one.left() == pytest.approx(3 * GRACE_FACTOR)
    clock.now += 1
    one.count(GOOD)  # does not begin the grace anew
    assert one.left() == pytest.approx(3 * GRACE_FACTOR - 1)


def test_grace_never_outlasts_the_deadline() -> None:
    clock = Clock()
    one = cutoff(clock)
    clock.now += 11.5
    for _ in range(3):
        one.count(GOOD)
    assert one.left() == pytest.approx(0.5)
    clock.now += 5
    assert one.left() == 0
    assert one.is_over


def test_who_wants_every_page_waits_for_every_page() -> None:
    one = StragglerCutoff(until=None, enough=None, wanted=3, clock=Clock())
    for _ in range(3):
        one.count(GOOD)
    assert one.left() is None
    assert not one.is_over
    one.end()
    assert one.is_over
