"""The expiring cache: what is kept, for how long, and what a broken file does."""

import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest

from ingest.foundation import cache as cache_module
from ingest.foundation.cache import ExpiringCache


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def test_an_entry_is_there_until_its_time_is_over() -> None:
    clock = Clock()
    cache = ExpiringCache(clock=clock)
    cache.put("robots https://a.test", b"User-agent: *", ttl_s=60)
    clock.now += 59
    assert cache.get("robots https://a.test") == b"User-agent: *"
    clock.now += 2
    assert cache.get("robots https://a.test") is None


def test_an_entry_outlives_the_process_and_is_seen_by_another(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "web.sqlite"
    first, second = ExpiringCache(path), ExpiringCache(path)
    first.put("a", b"1", ttl_s=60)
    assert second.get("a") == b"1"
    first.close()
    first.close()
    assert ExpiringCache(path).get("a") == b"1"


def test_the_last_value_wins_and_no_time_forgets() -> None:
    cache = ExpiringCache()
    cache.put("a", b"1", ttl_s=60)
    cache.put("a", b"2", ttl_s=60)
    assert cache.get("a") == b"2"
    cache.put("a", b"3", ttl_s=0)
    assert cache.get("a") is None


def test_a_damaged_file_is_an_empty_cache(tmp_path: Path) -> None:
    path = tmp_path / "web.sqlite"
    path.write_bytes(b"this is no database" * 400)
    cache = ExpiringCache(path)
    assert cache.get("a") is None
    cache.put("a", b"1", ttl_s=60)
    assert ExpiringCache(path).get("a") == b"1"


def test_a_folder_that_cannot_be_written_costs_only_the_memory(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    cache = ExpiringCache(tmp_path / "file" / "web.sqlite")
    cache.put("a", b"1", ttl_s=60)
    assert cache.get("a") == b"1"


def test_a_closed_cache_is_an_empty_one() -> None:
    cache = ExpiringCache()
    cache.put("a", b"1", ttl_s=60)
    cache.close()
    assert cache.get("a") is None


def test_threads_share_it(tmp_path: Path) -> None:
    cache = ExpiringCache(tmp_path / "web.sqlite")

    def work(number: int) -> None:
        for turn in range(20):
            cache.put(f"{number} {turn}", b"x", ttl_s=60)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(cache.get(f"{number} {turn}") for number in range(4) for turn in range(20))


def test_expired_entries_leave_the_file_by_and_by(tmp_path: Path) -> None:
    clock = Clock()
    cache = ExpiringCache(tmp_path / "web.sqlite", clock=clock)
    cache.put("old", b"x" * 1_000, ttl_s=1)
    clock.now += 10
    for number in range(cache_module.TRIM_EVERY + 1):
        cache.put(str(number), b"y", ttl_s=60)
    clock.now -= 10
    assert cache.get("old") is None


@pytest.mark.parametrize("value", [b"", b"\x00\xff" * 10])
def test_any_bytes_come_back(value: bytes) -> None:
    cache = ExpiringCache()
    cache.put("键", value, ttl_s=60)
    assert cache.get("键") == value


def test_what_expires_first_makes_room_when_the_cache_is_full(tmp_path: Path) -> None:
    path = tmp_path / "web.sqlite"
    cache = ExpiringCache(path)
    cache.put("first", b"x", ttl_s=60)
    with sqlite3.connect(path) as other:
        other.executemany(
            "INSERT INTO entries VALUES (?, ?, ?)",
            [(str(n), b"x", time.time() + 3_600) for n in range(cache_module.MAX_ENTRIES)],
        )
    other.close()
    cache.close()
    cache = ExpiringCache(path)
    cache.put("last", b"y", ttl_s=7_200)
    assert cache.get("first") is None
    assert cache.get("last") == b"y"


def test_a_cleared_cache_is_empty_on_the_disk_and_says_where_it_could_not_be(
    tmp_path: Path,
) -> None:
    path = tmp_path / "web.sqlite"
    cache = ExpiringCache(path)
    cache.put("search: harbour fees", b"...", ttl_s=60)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert not cache.clear()
    assert cache.clear()
    assert cache.get("search: harbour fees") is None
    assert b"harbour fees" not in path.read_bytes()
