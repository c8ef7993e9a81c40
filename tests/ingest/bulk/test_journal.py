"""The journal is the run's queue and its memory."""

from contextlib import closing
from pathlib import Path

import pytest

from ingest.bulk.journal import RunItem, RunJournal, RunJournalError

SOURCES = ("urls.txt",)


def items(*names: str) -> list[RunItem]:
    return [RunItem(url=f"https://a.test/{name}") for name in names]


def names_of(found: list[RunItem]) -> list[str]:
    return [item.url.rpartition("/")[2] for item in found]


def test_a_name_that_comes_twice_is_read_once() -> None:
    journal = RunJournal()
    journal.begin(SOURCES)
    journal.add(items("x", "y", "x"))
    journal.add(items("y", "z"))
    assert names_of(journal.pending(after=0, limit=9)) == ["x", "y", "z"]


def test_process_that_died_leaves_what_is_not_done(tmp_path: Path) -> None:
    path = tmp_path / "runs.sqlite"
    with closing(RunJournal(path)) as first:
        first.begin(SOURCES)
        first.add([*items("x", "y", "z"), RunItem(url="file:///n.md")])
        one, two, _, file = first.pending(after=0, limit=9)
        first.finish(one, "done")
        first.finish(two, "failed")
        first.finish(file, "done")
    with closing(RunJournal(path)) as second:
        assert second.begin(SOURCES) == 2
        second.add(items("x", "y", "z", "new"))
        # The file is looked at again: somebody may have written to it.
        assert names_of(second.pending(after=0, limit=9)) == ["z", "n.md", "new"]
        second.end()
    with closing(RunJournal(path)) as third:
        assert third.begin(SOURCES) == 0
        assert third.pending(after=0, limit=9) == []


def test_same_command_beside_a_running_one_has_a_run_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "runs.sqlite"
    with closing(RunJournal(path)) as first, closing(RunJournal(path)) as second:
        first.begin(SOURCES)
        first.add(items("x", "y"))
        assert second.begin(SOURCES) == 0
        assert second.pending(after=0, limit=9) == []
        second.add(items("y"))
        assert names_of(second.pending(after=0, limit=9)) == ["y"]
        assert names_of(first.pending(after=0, limit=9)) == ["x", "y"]


def test_what_failed_last_is_tried_again_alone(tmp_path: Path) -> None:
    journal = RunJournal(tmp_path / "runs.sqlite")
    for sources, names in ((SOURCES, ("x", "y")), (("other",), ("z",))):
        journal.begin(sources)
        journal.add(items(*names))
        for item in journal.pending(after=0, limit=9):
            journal.finish(item, "done" if item.url.endswith("x") else "failed")
        journal.end()
    assert journal.begin_retry(SOURCES) == 1
    assert names_of(journal.pending(after=0, limit=9)) == ["y"]
    assert journal.begin_retry(()) == 1
    assert names_of(journal.pending(after=0, limit=9)) == ["z"]
    assert journal.begin_retry(("never run",)) == 0


def test_journal_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "home" / "runs.sqlite"
    with closing(RunJournal(path)):
        assert path.stat().st_mode & 0o077 == 0


def test_damaged_journal_is_one_clear_line(tmp_path: Path) -> None:
    path = tmp_path / "runs.sqlite"
    path.write_bytes(b"not a database" * 100)
    with pytest.raises(RunJournalError, match="cannot be used") as caught:
        RunJournal(path)
    assert "deleted" in caught.value.hint.localize("en")


def test_what_is_to_be_forgotten_is_off_the_disk_but_a_run_under_way_keeps_its_list(
    tmp_path: Path,
) -> None:
    path = tmp_path / "runs.sqlite"
    with closing(RunJournal(path)) as stopped:
        stopped.begin(("stopped.txt",))
        stopped.add(items("tax-2025"))
    with closing(RunJournal(path)) as running, closing(RunJournal(path)) as third:
        running.begin(SOURCES)
        running.add(items("x"))
        assert third.forget_runs() == (1, 1)
        assert names_of(running.pending(after=0, limit=9)) == ["x"]
        assert all(b"tax-2025" not in file.read_bytes() for file in tmp_path.iterdir())
    with closing(RunJournal(path)) as last:
        assert last.forget_runs() == (1, 0)
    assert list(tmp_path.glob("*.lock")) == []
