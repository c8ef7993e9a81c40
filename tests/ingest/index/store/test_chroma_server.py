"""The copy of the vectors on a real Chroma server, which may be away, emptied or shared."""

import random
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import pytest

from ingest.errors import StoreError
from ingest.index.store.catalog import Catalog
from ingest.index.store.hybrid import Index
from ingest.index.store.maintenance import IndexMaintenance
from ingest.index.store.vector_stores.chroma_server import ChromaServerVectors, copy_owner
from ingest.index.store.vector_stores.memory import MemoryVectors
from tests.index_samples import SPACE, at, document, nearest, store

CHROMA = Path(sys.executable).with_name("chroma")
START_S = 90.0


@contextmanager
def chroma_server(folder: Path) -> Iterator[str]:
    """Run a server over `folder`; yield its address."""
    with closing(socket.socket()) as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    command = [CHROMA, "run", "--path", str(folder), "--host", "127.0.0.1", "--port", str(port)]
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder.parent
    ) as process:
        try:
            until = time.monotonic() + START_S
            while True:
                try:
                    httpx.get(f"http://127.0.0.1:{port}/api/v2/heartbeat", trust_env=False)
                    break
                except httpx.HTTPError:
                    assert process.poll() is None
                    assert time.monotonic() < until
                    time.sleep(0.05)
            yield f"127.0.0.1:{port}"
        finally:
            process.kill()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with chroma_server(tmp_path_factory.mktemp("chroma") / "data") as address:
        yield address


def copy_of(server: str, owner: str) -> ChromaServerVectors:
    return ChromaServerVectors(server, owner=lambda: owner)


def indexed(folder: Path, server: str) -> Index:
    """Open an index that asks the server for the nearest vectors."""
    catalog = Catalog(folder / "index.sqlite")
    vectors = ChromaServerVectors(server, owner=lambda: copy_owner(catalog))
    return Index(catalog=catalog, vectors=vectors, scan_bytes=0)


def test_answers_are_those_of_the_exact_twin(server: str) -> None:
    dice = random.Random(7)
    vectors = {f"id {n} 文": [dice.gauss(0, 1) for _ in range(32)] for n in range(400)}
    chroma, exact = copy_of(server, "twin"), MemoryVectors()
    for one in (chroma, exact):
        one.upsert(vectors, space=SPACE)
        one.delete([f"id {n} 文" for n in range(0, 400, 3)], space=SPACE)
        one.delete(["never seen"], space=SPACE)
        one.upsert({"id 1 文": vectors["id 2 文"]}, space=SPACE)
    assert chroma.count(space=SPACE) == exact.count(space=SPACE) == 266
    for _ in range(10):
        query = [dice.gauss(0, 1) for _ in range(32)]
        ours = dict(chroma.nearest(query, top_k=5, space=SPACE))
        theirs = dict(exact.nearest(query, top_k=5, space=SPACE))
        assert ours == pytest.approx(theirs, abs=1e-5)
    pages = [chroma.page(space=SPACE, offset=start, limit=100) for start in (0, 100, 200)]
    assert sum(len(page) for page in pages) == 266
    assert len({id_ for page in pages for id_ in page}) == 266
    chroma.close()


def test_indexes_share_a_server_and_see_nothing_of_each_other(server: str) -> None:
    one, two = copy_of(server, "one"), copy_of(server, "two")
    one.upsert({"a": at(0)}, space=SPACE)
    two.upsert({"b": at(10)}, space=SPACE)
    two.upsert({"b": at(10)}, space="other")
    assert one.nearest(at(10), top_k=9, space=SPACE)[0][0] == "a"
    assert sorted(two.spaces()) == ["other", SPACE]
    two.drop("other")
    two.drop("never seen")
    assert two.spaces() == [SPACE]
    two.clear()
    assert two.spaces() == []
    assert one.count(space=SPACE) == 1


def test_what_another_process_has_emptied_is_there_anew(server: str) -> None:
    one, two = copy_of(server, "same"), copy_of(server, "same")
    one.upsert({"a": at(0)}, space=SPACE)
    two.clear()
    assert one.count(space=SPACE) == 0
    one.upsert({"b": at(0)}, space=SPACE)
    assert [id_ for id_, _ in two.nearest(at(0), top_k=9, space=SPACE)] == ["b"]


def test_a_copied_index_has_a_copy_of_its_own(tmp_path: Path) -> None:
    catalog = Catalog(tmp_path / "one" / "index.sqlite")
    owner = copy_owner(catalog)
    assert copy_owner(catalog) == owner
    catalog.close()
    (tmp_path / "one").rename(tmp_path / "two")
    moved = Catalog(tmp_path / "two" / "index.sqlite")
    assert copy_owner(moved) not in {"", owner}
    moved.close()


@pytest.mark.anyio
async def test_an_index_is_answered_whatever_becomes_of_its_server(tmp_path: Path) -> None:
    home, data = tmp_path / "home", tmp_path / "data"
    with chroma_server(data) as address:
        index = indexed(home, address)
        await store(index, document("a", "one", "two"), [0, 30])
        await IndexMaintenance(index).update_copy()
        assert await nearest(index, 1) == ["one", "two"]
        assert not await IndexMaintenance(index).copy_differences()
    # It is away: the vectors here are compared, and what cannot be copied waits.
    await store(index, document("b", "three"), [60])
    assert await nearest(index, 61) == ["three", "two", "one"]
    with pytest.raises(StoreError) as caught:
        await IndexMaintenance(index).update_copy()
    assert "chroma run" in caught.value.hint.localize("en")
    await index.close()
    # An empty one stands in its place.
    with chroma_server(tmp_path / "new") as address:
        again = indexed(home, address)
        assert await nearest(again, 61) == ["three", "two", "one"]
        await IndexMaintenance(again).rebuild_copy()
        await IndexMaintenance(again).update_copy()
        assert not await IndexMaintenance(again).copy_differences()
        await again.close()
        copy = copy_of(address, copy_owner(Catalog(home / "index.sqlite")))
        assert copy.count(space=SPACE) == 3


def test_name_and_password_go_to_the_server_and_into_no_message() -> None:
    vectors = ChromaServerVectors("http://me:secret-word@127.0.0.1:9", owner=lambda: "x")
    with pytest.raises(StoreError) as caught:
        vectors.count(space=SPACE)
    assert "secret-word" not in caught.value.localize("en") + str(caught.value.__cause__)
