"""What storing a list of pages costs beside LangChain's ways: CPU of the whole process, no encoder.

    python -m venv lc
    lc/bin/pip install langchain-community langchain-chroma trafilatura "lxml[html-clean]" bs4
    python -m bench.ingest_others --langchain lc/bin/python [--pages 500] [--rounds 3]
    python -m bench.ingest_others --pages 20000                 # ours alone, with its memory

The articles of bench/data.py (93) under as many hosts as there are pages, served by a process of
their own without latency. Each side fetches, extracts, splits and stores them in Chroma with
vectors that cost nothing:

* ours: robots.txt, bounds, two reader processes, words and vectors in SQLite beside Chroma's copy.
* trafilatura: LangChain's AsyncHtmlLoader, trafilatura.extract, RecursiveCharacterTextSplitter.
* webbase: LangChain's WebBaseLoader, which keeps menus and footers, and the same splitter.

LangChain is in none of our extras: it is run by an interpreter that has it.
"""

import asyncio
import gzip
import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from statistics import median
from typing import Any

import click

ROOT = Path(__file__).parents[1]
AT_ONCE = 10
FLOOR = 0.8
"""Of the CPU that LangChain takes with trafilatura."""
CHUNK_CHARACTERS = 400
OVERLAP_CHARACTERS = 100
"""Our own sizes (`[chunk]`), of LangChain's splitter."""
DIMENSIONS = 256


def cheap_vectors(count: int) -> list[list[float]]:
    """Return unit vectors of no meaning."""
    import numpy as np

    drawn = np.random.default_rng(count).normal(size=(count, DIMENSIONS))
    rows: list[list[float]] = (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).tolist()
    return rows


async def ours(urls: Sequence[str], folder: Path) -> int:
    """Store the pages as `ingest` does; return the chunks."""
    from ingest.bootstrap import IndexComponents, open_reading, open_store
    from ingest.index.embed.base import Vector
    from ingest.index.embed.memory import HashingEmbedder
    from ingest.settings import IndexSettings, IngestSettings

    class Cheap(HashingEmbedder):
        """Vectors that cost next to nothing."""

        async def embed_documents(self, texts: Sequence[str]) -> list[Vector]:
            return cheap_vectors(len(texts))

    settings = IngestSettings(index=IndexSettings(folder=str(folder)))
    async with open_store(settings) as store:
        index = IndexComponents(store=store, embedder=Cheap(), diagnostics=())
        async with open_reading(settings, index) as reading:
            async for _ in reading.pipeline.add_urls(urls):
                pass
        return (await store.stats()).chunks


def langchain(urls: Sequence[str], folder: Path, *, loader: str) -> int:
    """Store the pages as LangChain's guides do; return the chunks."""
    from langchain_chroma import Chroma
    from langchain_community.document_loaders import AsyncHtmlLoader, WebBaseLoader
    from langchain_core.documents import Document
    from langchain_core.embeddings import Embeddings
    from langchain_text_splitters import RecursiveCharacterTextSplitter

    class Cheap(Embeddings):
        """Vectors that cost next to nothing."""

        def embed_documents(self, texts: list[str]) -> list[list[float]]:
            return cheap_vectors(len(texts))

        def embed_query(self, text: str) -> list[float]:
            return self.embed_documents([text])[0]

    splitter = RecursiveCharacterTextSplitter(
        chunk_size=CHUNK_CHARACTERS, chunk_overlap=OVERLAP_CHARACTERS
    )
    store = Chroma("pages", Cheap(), persist_directory=str(folder))
    count = 0
    # In parts: the loaders keep all pages in memory.
    for start in range(0, len(urls), 100):
        part = list(urls[start : start + 100])
        if loader == "webbase":
            web = WebBaseLoader(part, requests_per_second=AT_ONCE, continue_on_failure=True)
            web.trust_env = True
            documents = list(web.aload())
        else:
            import trafilatura

            html = AsyncHtmlLoader(
                part, trust_env=True, requests_per_second=AT_ONCE, ignore_load_errors=True
            )
            documents = [
                Document(text, metadata={"source": page.metadata["source"]})
                for page in html.load()
                if (text := trafilatura.extract(page.page_content))
            ]
        chunks = splitter.split_documents(documents)
        store.add_documents(chunks)
        count += len(chunks)
    return count


def serve(pages: int) -> None:
    """Serve the pages until standard input ends; print the environment and the URLs first."""
    from bench.replay import ARTICLES
    from tests.internet.net import Internet

    net = Internet()
    files = sorted((ARTICLES / "html").glob("*.html.gz"))
    bodies = [gzip.decompress(file.read_bytes()) for file in files]
    urls = [f"https://site{number}.example/article" for number in range(pages if bodies else 0)]
    for number, url in enumerate(urls):
        # No two alike: copies of a page are dealt with otherwise.
        own = f"<p>This is copy number {number} of it, kept by site {number}.</p></body>".encode()
        net.page(url, bodies[number % len(bodies)].replace(b"</body>", own, 1))
    with net.serve():
        print(json.dumps({"variables": net.variables, "urls": urls}), flush=True)
        sys.stdin.read()


@contextmanager
def replayed(pages: int) -> Iterator[tuple[dict[str, str], list[str]]]:
    """Serve the pages from a process of their own; gives its environment and the URLs."""
    command = [sys.executable, "-m", "bench.ingest_others", "--serve", "--pages", str(pages)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe) as server:
        assert server.stdout is not None
        told = json.loads(server.stdout.readline())
        try:
            yield os.environ | told["variables"], told["urls"]
        finally:
            server.kill()


def measured(
    side: str, python: str, urls: Sequence[str], environment: dict[str, str], folder: Path
) -> dict[str, Any]:
    """Run one side in a fresh process; return its CPU in seconds, peak memory and chunks."""
    # Where it is set, each process compiles all of our modules anew, as nobody's does.
    environment = {k: v for k, v in environment.items() if k != "PYTHONDONTWRITEBYTECODE"}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [python, "-m", "bench.ingest_others", "--side", side, "--folder", str(folder)]
    run = subprocess.run(
        command,
        cwd=ROOT,
        env=environment | {"USER_AGENT": "bench/1.0"},
        input=json.dumps(urls),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        check=True,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    found: dict[str, Any] = json.loads(run.stdout.splitlines()[-1])
    return found | {"cpu": cpu}


def run_side(side: str, folder: Path) -> None:
    """Be one side: read URLs from standard input, print what was stored."""
    from bench.memory import peak_bytes

    urls = json.loads(sys.stdin.readline())
    if side == "ours":
        chunks = asyncio.run(ours(urls, folder))
    else:
        chunks = langchain(urls, folder, loader=side)
    readers = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    print(json.dumps({"chunks": chunks, "mb": peak_bytes() / 1e6, "child_mb": readers / 1e6}))


@click.command()
@click.option("--pages", default=500, show_default=True, type=click.IntRange(1))
@click.option("--langchain", "other", metavar="PYTHON", help="An interpreter with LangChain.")
@click.option("--rounds", default=1, show_default=True, type=click.IntRange(1), help="In turn.")
@click.option("--floor", is_flag=True, help=f"Fail above {FLOOR:g} of LangChain's CPU.")
@click.option("--serve", "is_server", is_flag=True, hidden=True)
@click.option("--side", hidden=True)
@click.option("--folder", type=click.Path(path_type=Path), hidden=True)
def main(
    pages: int,
    other: str | None,
    rounds: int,
    floor: bool,
    is_server: bool,
    side: str | None,
    folder: Path | None,
) -> None:
    """Print the CPU of each side, twice: the second time all pages are stored already.

    Other work on a machine changes the same run's CPU by a fifth; of several rounds the ratios are
    those of the medians.
    """
    if is_server:
        serve(pages)
        return
    if side is not None:
        assert folder is not None
        run_side(side, folder)
        return
    sides = {"ours": sys.executable}
    if other:
        sides |= {"trafilatura": other, "webbase": other}
    first: dict[str, list[float]] = {name: [] for name in sides}
    with replayed(pages) as (environment, urls), tempfile.TemporaryDirectory() as made:
        if not urls:
            click.echo("skipped: the articles of bench/data.py are missing")
            return
        for round_number, (name, python) in product(range(rounds), sides.items()):
            for time in ("first", "again"):
                folder = Path(made) / f"{name}-{round_number}"
                found = measured(name, python, urls, environment, folder)
                if time == "first":
                    first[name].append(found["cpu"])
                click.echo(
                    f"{name:12}{time:6} {found['cpu']:7.1f} s of CPU, {found['chunks']} chunks,"
                    f" {found['mb']:.0f} MB and {found['child_mb']:.0f} in its largest process"
                )
    spent = {name: median(seconds) for name, seconds in first.items() if seconds}
    for name in list(spent)[1:]:
        click.echo(f"ours: {spent['ours'] / spent[name]:.2f} of {name}")
    if floor and other and spent["ours"] > FLOOR * spent["trafilatura"]:
        raise click.ClickException(f"more than {FLOOR:g} of LangChain's")


if __name__ == "__main__":
    main()
