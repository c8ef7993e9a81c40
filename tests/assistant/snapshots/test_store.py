"""The file of kept answers: what goes in comes out, and it never grows beyond its bounds."""

import os
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from assistant.errors import SnapshotError, SnapshotLockedError, SnapshotNotFoundError
from assistant.events import Notice, SearchFinished, SentenceChecked
from assistant.snapshots.removal import SnapshotRemoval, remove_quoting_snapshots
from assistant.snapshots.snapshot import ModelSnapshot, Snapshot
from assistant.snapshots.store import SnapshotStore, delete_snapshots
from assistant.values import (
    Answer,
    AnswerEvidence,
    ChatMessage,
    Citation,
    EvidenceBlock,
    EvidenceSignals,
    LegRanks,
    Passage,
    Question,
    SearchHit,
    SentenceVerdict,
    UnitSimilarity,
    Usage,
)
from ingest.events import PageSkipped, PageStored
from ingest.foundation.messages import Message

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
URL = "https://lights.example/"


def snapshot(id_: str, *, at: datetime = NOW, url: str = URL, text: str = "lights") -> Snapshot:
    """Return a snapshot with something in every field."""
    passage = Passage(
        number=1,
        url=url,
        title="Lights",
        text=text,
        score=0.9,
        fetched_at=NOW,
        ranks=LegRanks(words=1, vectors=3, bm25=5.5, cosine=0.83),
    )
    block = EvidenceBlock(
        number=1,
        passage=1,
        start=0,
        end=6,
        text=text,
        signals=EvidenceSignals(terms=("lights",), asked="", typed=0, score=1.2),
    )
    return Snapshot(
        id=id_,
        at=at,
        version="1.0",
        question=Question(f"什么灯? {id_}", web=True, top_k=3),
        language="zh",
        query="夜间飞行要什么灯?",
        looked_up="夜间飞行要什么灯?",
        history=(ChatMessage(role="user", content="无人机"),),
        search=SearchFinished(
            query="灯", hits=(SearchHit(rank=1, title="Lights", url=url),), engine="DuckDuckGo"
        ),
        pages=(
            PageStored(url=url, title="L", chunks=1, embedded=1, robots="", fetcher="http"),
            PageSkipped(url="https://b.example/", reason="robots", detail=Message("too large")),
        ),
        passages=(passage,),
        compared=(UnitSimilarity(passage=1, start=0, end=6, similarity=0.4),),
        evidence=AnswerEvidence(blocks=(block,), answerability="answerable"),
        model=ModelSnapshot(
            name="qwen3:1.7b", kind="model", size="small", context_tokens=8192, digest="3aef"
        ),
        prompt=(ChatMessage(role="system", content="Answer."),),
        prompt_tokens=12,
        answer=Answer(text="Lights [1].", kind="model", trust=1.0, usage=Usage(prompt=9, reply=4)),
        sentences=(SentenceChecked(text="Lights.", verdict=SentenceVerdict(kind="supported")),),
        notices=(Notice(code="pages_late", text=Message("too slow")),),
        seconds={"search": 0.1, "end": 2.5},
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "home" / "snapshots.sqlite"


def opened(path: Path, **options: object) -> SnapshotStore:
    bounds = {"keep": 500, "days": 90.0, "clock": NOW.timestamp} | options
    return SnapshotStore(path, **bounds)  # type: ignore[arg-type]


def test_what_is_kept_comes_back_whole(path: Path) -> None:
    kept = snapshot("7f3a91c2")
    with opened(path) as store:
        store.put(kept)
    with opened(path) as store:
        assert store.get("7f3a91c2") == kept
        assert store.get("7F3A") == kept
        (line,) = store.lines(limit=5)
    assert (line.id, line.at, line.question, line.trust) == (kept.id, NOW, "什么灯? 7f3a91c2", 1.0)


def test_the_last_is_the_one_written_last_whatever_the_clock_said(path: Path) -> None:
    with opened(path) as store:
        store.put(snapshot("aa000000"))
        store.put(snapshot("bb000000", at=NOW - timedelta(days=1)))
        assert store.get("last").id == "bb000000"
        assert [line.id for line in store.lines(limit=5)] == ["bb000000", "aa000000"]


@pytest.mark.parametrize("name", ["zz", "a", "", "%", "a*", "[a-f]*", "a_0", "' OR 1=1", "７f"])
def test_what_is_no_beginning_of_an_id_finds_nothing(name: str, path: Path) -> None:
    with opened(path) as store:
        store.put(snapshot("aa000000"))
        with pytest.raises(SnapshotNotFoundError, match="begins with"):
            store.get(name)


def test_a_beginning_that_several_share_names_them(path: Path) -> None:
    with opened(path) as store:
        store.put(snapshot("aa000001"))
        store.put(snapshot("aa000002"))
        with pytest.raises(SnapshotNotFoundError, match="aa000001, aa000002"):
            store.get("aa")
        with pytest.raises(SnapshotNotFoundError):
            store.remove(["aa000001", "aa"])
        assert len(store.lines(limit=5)) == 2  # all or none


def test_an_empty_file_says_what_to_do(path: Path) -> None:
    with opened(path) as store, pytest.raises(SnapshotNotFoundError) as raised:
        store.get("last")
    assert "assistant ask" in raised.value.localize("en")


def test_the_oldest_go_beyond_the_number_and_the_age(path: Path) -> None:
    with opened(path, keep=3) as store:
        store.put(snapshot("00000000", at=NOW - timedelta(days=89)))
        for number in range(1, 4):
            store.put(snapshot(f"0000000{number}"))
        assert [line.id[-1] for line in store.lines(limit=9)] == ["3", "2", "1"]
    later = NOW + timedelta(days=91)
    with opened(path, keep=3, clock=later.timestamp) as store:
        store.put(snapshot("00000009", at=later))
        assert [line.id[-1] for line in store.lines(limit=9)] == ["9"]


def test_smaller_bounds_hold_from_the_opening_on(path: Path) -> None:
    with opened(path) as store:
        for number in range(6):
            store.put(snapshot(f"0000000{number}"))
    with opened(path, keep=2) as store:
        assert [line.id[-1] for line in store.lines(limit=9)] == ["5", "4"]
    with opened(path, clock=(NOW + timedelta(days=91)).timestamp) as store:
        assert store.lines(limit=9) == []


def test_the_file_does_not_grow_for_ever(path: Path) -> None:
    sizes = []
    for run in range(3):
        with opened(path, keep=20) as store:
            for number in range(40):
                store.put(snapshot(f"{run}{number:07x}", text=os.urandom(2_000).hex()))
        # Closed: what was in the journal is in the file now.
        sizes.append(path.stat().st_size)
    assert sizes[2] <= 1.1 * sizes[0]


SECRET = "the launch code is swordfish"

REMOVE = """
import sqlite3, sys
from pathlib import Path

# Some builds of SQLite overwrite what is deleted anyway: here it does not, unless it is told to.
connect = sqlite3.connect
def connect_without(*arguments, **options):
    connection = connect(*arguments, **options)
    connection.execute("PRAGMA secure_delete = OFF")
    return connection
sqlite3.connect = connect_without
from assistant.snapshots.store import SnapshotStore
with SnapshotStore(Path(sys.argv[1]), keep=500, days=9e9) as store:
    print(store.remove(["aa"]))
    files = [each.read_bytes() for each in Path(sys.argv[1]).parent.iterdir()]
    print(any(sys.argv[2].encode() in content for content in files))
"""


def test_what_is_removed_is_gone_from_the_disk(path: Path) -> None:
    with opened(path) as store:
        store.put(asking("aa000000", SECRET))
        store.put(snapshot("bb000000"))
    # Bodies are compressed, so the question is looked for, which stands as it is.
    assert SECRET.encode() in path.read_bytes()
    run = subprocess.run(
        [sys.executable, "-c", REMOVE, str(path), SECRET],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert run.stdout.split() == ["1", "False"]


def test_text_that_another_process_still_reads_is_told(path: Path) -> None:
    with opened(path) as store:
        store.put(asking("aa000000", SECRET))
        reader = sqlite3.connect(path, isolation_level=None)
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM snapshots").fetchone()
        with pytest.raises(SnapshotLockedError, match="still reads"):
            store.remove(["aa"])
        assert store.lines(limit=5) == []
        reader.execute("ROLLBACK")
        reader.close()
    assert not any(SECRET.encode() in each.read_bytes() for each in path.parent.iterdir())


def asking(id_: str, text: str) -> Snapshot:
    return replace(snapshot(id_), question=Question(text))


def test_only_the_owner_may_read_it(path: Path) -> None:
    before = os.umask(0)
    try:
        with opened(path) as store:
            store.put(snapshot("aa000000"))
            modes = {each.name: each.stat().st_mode & 0o777 for each in path.parent.iterdir()}
    finally:
        os.umask(before)
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert len(modes) == 3  # with -wal and -shm
    assert set(modes.values()) == {0o600}


def test_a_file_that_others_may_read_is_closed_to_them(path: Path) -> None:
    path.parent.mkdir()
    path.touch(0o644)
    with opened(path):
        assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "content", [b"no database at all" * 300, b"SQLite format 3\0" + b"x" * 9000]
)
def test_a_damaged_file_is_one_clear_line_and_can_be_deleted(content: bytes, path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(SnapshotError) as raised:
        opened(path)
    shown = raised.value.localize("en")
    assert str(path) in shown
    assert "damaged" in shown
    assert "assistant forget --all" in shown
    assert delete_snapshots(path) is None
    with opened(path) as store:
        store.put(snapshot("aa000000"))
    assert delete_snapshots(path) == 1
    assert delete_snapshots(path.with_name("none.sqlite")) == 0


def test_a_damaged_body_is_one_clear_line(path: Path) -> None:
    with opened(path) as store:
        store.put(snapshot("aa000000"))
        store.put(snapshot("bb000000"))
        store._connection.execute("UPDATE snapshots SET body = x'00ff' WHERE id = 'bb000000'")
        with pytest.raises(SnapshotError, match="cannot be read") as raised:
            store.get("last")
        # The other one need not go with it.
        assert "assistant forget bb000000" in raised.value.localize("en")
        assert store.remove(["bb000000"]) == 1
        assert store.get("last").id == "aa000000"


def test_a_file_of_another_version_is_left_alone(path: Path) -> None:
    opened(path).close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(SnapshotError, match="another version") as raised:
        opened(path)
    assert "--all" not in raised.value.localize("en")
    with pytest.raises(SnapshotError, match="another version"):
        delete_snapshots(path)
    assert path.exists()


def test_a_locked_file_is_not_deleted(path: Path) -> None:
    with opened(path) as store:
        store.put(snapshot("aa000000"))
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(SnapshotLockedError):
            delete_snapshots(path)
        other.execute("ROLLBACK")
        other.close()
        # What is open writes where others read.
        store.put(snapshot("bb000000"))
        with opened(path) as again:
            assert len(again.lines(limit=5)) == 2
    assert delete_snapshots(path) == 2


def test_a_full_disk_loses_nothing_that_was_kept(path: Path) -> None:
    with opened(path, max_bytes=60_000) as store:
        store.put(snapshot("aa000000"))
        with pytest.raises(SnapshotError, match="cannot be kept"):
            store.put(snapshot("bb000000", text=os.urandom(200_000).hex()))
        assert [line.id for line in store.lines(limit=5)] == ["aa000000"]


WRITE = """
import sys
from pathlib import Path
from assistant.snapshots.store import SnapshotStore
from tests.assistant.snapshots.test_store import snapshot
with SnapshotStore(Path(sys.argv[1]), keep=500, days=9e9) as store:
    for number in range(25):
        store.put(snapshot(f"{sys.argv[2]}{number:06x}"))
"""


def test_processes_that_begin_and_write_at_once_lose_nothing(path: Path) -> None:
    runs = [
        subprocess.Popen([sys.executable, "-c", WRITE, str(path), f"{number:02x}"])
        for number in range(4)
    ]
    assert [run.wait(60) for run in runs] == [0, 0, 0, 0]
    with opened(path) as store:
        assert len({line.id for line in store.lines(limit=500)}) == 100


def test_a_lock_is_not_waited_for_for_ever(path: Path) -> None:
    with opened(path) as store:
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        before = time.monotonic()
        with pytest.raises(SnapshotError, match="locked"):
            store.put(snapshot("aa000000"))
        assert time.monotonic() - before < 30  # and not SQLite's "never"
        other.execute("ROLLBACK")
        other.close()
        store.put(snapshot("aa000000"))


def test_a_removed_page_takes_the_answers_made_of_it_and_its_text_from_the_others(
    path: Path,
) -> None:
    other = "https://harbour.example/"
    found = snapshot("aaaa01", url=other, text="the harbour opens at six")
    cited = Citation(number=1, url=URL, title="Lights", fetched_at=NOW)
    extra = replace(found.passages[0], number=2)
    block = replace(found.evidence.blocks[0], number=2, passage=2)
    made_of = snapshot("aaaa02")
    made_of = replace(made_of, answer=replace(made_of.answer or found.answer, citations=(cited,)))
    only_found = replace(
        made_of,
        id="aaaa03",
        passages=(*made_of.passages, extra),
        evidence=replace(made_of.evidence, blocks=(*made_of.evidence.blocks, block)),
        compared=(*made_of.compared, replace(made_of.compared[0], passage=2)),
        prompt=(ChatMessage(role="user", content="the harbour opens at six"),),
    )
    with opened(path) as store:
        store.put(made_of)
        store.put(only_found)
    assert remove_quoting_snapshots(path, [other]) == SnapshotRemoval(shortened=1)
    with opened(path) as store:
        left = store.get("aaaa03")
        assert store.get("aaaa02") == made_of
    assert [passage.url for passage in left.passages] == [URL]
    assert left.answer == only_found.answer
    assert left.evidence == made_of.evidence
    assert left.compared == made_of.compared
    assert all(b"opens at six" not in file.read_bytes() for file in path.parent.iterdir())
    assert remove_quoting_snapshots(path, [URL]) == SnapshotRemoval(deleted=2)
    with opened(path) as store:
        assert store.lines(limit=9) == []
