"""The tutorial pipeline that this project started from, stage by stage, as plainly as it was.

    python -m bench.seed_pipeline --replay --latency 0.2      # alone, on the replayed internet
    python -m bench.seed_pipeline "question" --ollama URL     # where the environment leads

Search, then robots one after the other, then a browser for every page, then a temporary file
through unstructured, then chunks of 400/100, all embedded, then the ten nearest, then the chat.
The last line of stdout is JSON: seconds by stage, and how much was found and kept.

Where it departs from the tutorial, because this must run without a network and today:

* ddgs stands in for duckduckgo-search, which was renamed and no longer asks DuckDuckGo.
* crawl4ai would start the Chromium that Playwright downloads and has no option for another, so
  the system's is started first and reached over CDP (its start is a stage of its own), in an
  isolated context, without which crawls that run side by side fail. It trusts any certificate.
* `UnstructuredMarkdownLoader` is `partition_md` with the elements joined by blank lines, so that is
  what stands here. unstructured downloads a spaCy model when first used; a blank one with a rule
  for sentences is put in its place, which is faster than the real one: the seed's favour.
* Pages that the BM25 filter left empty are dropped here, where the tutorial stores nothing either.
* The Ollama server is the scripted one of the tests: it embeds and answers at once, so that what
  is measured is everything around the model.

Needs the extra "bench" (crawl4ai, unstructured[md]) and a Chromium.
"""

import argparse
import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlparse
from urllib.robotparser import RobotFileParser

QUESTION = "What did the company announce and what do people say about it this year?"
CHAT_MODEL = "deepseek-r1:1.5b"
EMBEDDING_MODEL = "nomic-embed-text:latest"
DISCARDED = ("youtube.com", "britannica.com", "vimeo.com")
SYSTEM_PROMPT = (
    "You are an AI assistant tasked with providing detailed answers based solely on the given "
    "context. Only use the information that is included in the context."
)
BROWSER_START_S = 30.0
QUIET = dict.fromkeys(
    ("CRAWL4AI_NO_CLOUD_NOTICE", "DO_NOT_TRACK", "UNSTRUCTURED_DISABLE_NOTICE"), "1"
)
FILTER_FAILED = "Error generating fit markdown"
"""What crawl4ai returns as the text of a page whose filter raised. The tutorial stores it."""


class Stages:
    """Seconds by stage, in the order in which they came."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.started = time.perf_counter()

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        before = time.perf_counter()
        yield
        spent = time.perf_counter() - before
        self.seconds[name] = round(self.seconds.get(name, 0.0) + spent, 3)

    @property
    def total(self) -> float:
        return round(time.perf_counter() - self.started, 3)


def get_web_urls(search_term: str, num_results: int = 10) -> list[str]:
    """Ask DuckDuckGo, the exclusions as words of the query."""
    from ddgs import DDGS

    for domain in DISCARDED:
        search_term += f" -site:{domain}"
    results = DDGS(timeout=20).text(search_term, max_results=num_results, backend="duckduckgo")
    return [result["href"] for result in results]


def check_robots_txt(urls: list[str]) -> list[str]:
    """Keep the URLs that may be fetched, one robots.txt after the other, without a time limit."""
    allowed = []
    for url in urls:
        try:
            parts = urlparse(url)
            parser = RobotFileParser(f"{parts.scheme}://{parts.netloc}/robots.txt")
            parser.read()
            if parser.can_fetch("*", url):
                allowed.append(url)
        except OSError:
            allowed.append(url)
    return allowed


@contextmanager
def chromium(folder: Path) -> Iterator[str]:
    """Start the system's Chromium and give the address of its debugging port."""
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        sys.exit("no Chromium here: apt-get install chromium")
    flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--ignore-certificate-errors"]
    places = [f"--user-data-dir={folder}", "--remote-debugging-port=0", "about:blank"]
    proxy = os.environ.get("HTTPS_PROXY")
    through = [f"--proxy-server={proxy}"] if proxy else []
    quiet = subprocess.DEVNULL
    process = subprocess.Popen([program, *flags, *through, *places], stdout=quiet, stderr=quiet)
    try:
        yield f"http://127.0.0.1:{debugging_port(folder / 'DevToolsActivePort')}"
    finally:
        process.terminate()
        process.wait()


def debugging_port(note: Path) -> int:
    """Wait until Chromium has written its port down, and return it."""
    deadline = time.monotonic() + BROWSER_START_S
    while time.monotonic() < deadline:
        if note.is_file() and len(lines := note.read_text().splitlines()) == 2:
            return int(lines[0])
        time.sleep(0.02)
    sys.exit("Chromium did not start")


async def crawl_webpages(urls: list[str], prompt: str, cdp_url: str) -> list[Any]:
    """Open every page in the browser and keep the blocks that BM25 rates above 1.2."""
    from crawl4ai import AsyncWebCrawler, BrowserConfig, CacheMode, CrawlerRunConfig
    from crawl4ai.content_filter_strategy import BM25ContentFilter
    from crawl4ai.markdown_generation_strategy import DefaultMarkdownGenerator

    bm25 = BM25ContentFilter(user_query=prompt, bm25_threshold=1.2)
    run = CrawlerRunConfig(
        markdown_generator=DefaultMarkdownGenerator(content_filter=bm25),
        excluded_tags=["nav", "footer", "header", "form", "img", "a"],
        only_text=True,
        exclude_social_media_links=True,
        keep_data_attributes=False,
        cache_mode=CacheMode.BYPASS,
        remove_overlay_elements=True,
        page_timeout=20_000,
        verbose=False,
    )
    browser = BrowserConfig(
        headless=True, text_mode=True, cdp_url=cdp_url, create_isolated_context=True, verbose=False
    )
    async with AsyncWebCrawler(config=browser) as crawler:
        return list(await crawler.arun_many(urls, config=run))


def put_spacy_model_in_place(folder: Path) -> None:
    """Make `spacy.load("en_core_web_sm")` find a blank model in the working folder."""
    import spacy

    model = spacy.blank("en")
    model.add_pipe("sentencizer")
    model.to_disk(folder / "en_core_web_sm")


def load_markdown(text: str) -> str:
    """Write the page to a temporary file and read it through unstructured."""
    from unstructured.partition.md import partition_md

    with tempfile.NamedTemporaryFile("w", suffix=".md", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        elements = partition_md(filename=file.name)
    return "\n\n".join(str(element) for element in elements)


def normalize_url(url: str) -> str:
    """Return the tutorial's id of a page: not unique."""
    bare = url.replace("https://", "").replace("www.", "")
    return bare.replace("/", "_").replace("-", "_").replace(".", "_")


def split(text: str) -> list[str]:
    """Cut by the default separators, which are English ones."""
    from langchain_text_splitters import RecursiveCharacterTextSplitter

    return RecursiveCharacterTextSplitter(chunk_size=400, chunk_overlap=100).split_text(text)


def get_vector_collection(folder: Path, ollama_url: str) -> Any:
    """Open Chroma, whose embedding function asks Ollama."""
    import chromadb
    from chromadb.config import Settings
    from chromadb.utils.embedding_functions.ollama_embedding_function import (
        OllamaEmbeddingFunction,
    )

    embed: Any = OllamaEmbeddingFunction(url=ollama_url, model_name=EMBEDDING_MODEL)
    settings = Settings(anonymized_telemetry=False)
    client = chromadb.PersistentClient(path=str(folder), settings=settings)
    return client.get_or_create_collection(
        name="web_llm", embedding_function=embed, metadata={"hnsw:space": "cosine"}
    )


def call_llm(prompt: str, context: str, ollama_url: str) -> Iterator[str]:
    """Yield the reply in pieces."""
    import ollama

    messages = [
        {"role": "system", "content": SYSTEM_PROMPT},
        {"role": "user", "content": f"Context: {context}, Question: {prompt}"},
    ]
    for part in ollama.Client(host=ollama_url).chat(CHAT_MODEL, messages=messages, stream=True):
        yield part["message"]["content"]


def add_to_vector_database(results: list[Any], stages: Stages, folder: Path, url: str) -> Any:
    """Store every page that has text left, one upsert each, and return the collection."""
    with stages.stage("chroma open"):
        collection = get_vector_collection(folder, url)
    for result in results:
        text = result.markdown.fit_markdown if result.success and result.markdown else ""
        if not text:
            continue
        with stages.stage("unstructured"):
            loaded = load_markdown(text)
        with stages.stage("split"):
            chunks = split(loaded)
        if chunks:
            page = normalize_url(result.url)
            with stages.stage("embed and store"):
                collection.upsert(
                    documents=chunks,
                    metadatas=[{"source": result.url}] * len(chunks),
                    ids=[f"{page}_{number}" for number in range(len(chunks))],
                )
    return collection


def run(question: str, ollama_url: str, folder: Path) -> dict[str, Any]:
    """Answer one question as the tutorial does and return what it took."""
    stages = Stages()
    with stages.stage("imports"):
        import chromadb  # noqa: F401
        import crawl4ai  # noqa: F401
        import ddgs  # noqa: F401
        import langchain_text_splitters  # noqa: F401
        import ollama  # noqa: F401
        import unstructured.partition.md  # noqa: F401
    paused = time.perf_counter()
    put_spacy_model_in_place(folder)
    stages.started += time.perf_counter() - paused
    with stages.stage("search"):
        found_urls = get_web_urls(question)
    with stages.stage("robots"):
        urls = check_robots_txt(found_urls)
    with tempfile.TemporaryDirectory(dir=folder, ignore_cleanup_errors=True) as profile:
        browser = chromium(Path(profile))
        with stages.stage("chromium start"):
            cdp_url = browser.__enter__()
        try:
            with stages.stage("crawl"):
                results = asyncio.run(crawl_webpages(urls, question, cdp_url))
        finally:
            browser.__exit__(None, None, None)
    collection = add_to_vector_database(results, stages, folder / "web-search-llm-db", ollama_url)
    with stages.stage("query"):
        found = collection.query(query_texts=[question], n_results=10)
    with stages.stage("chat"):
        context = " ".join((found.get("documents") or [[]])[0])
        answer = "".join(call_llm(question, context, ollama_url))
    texts = [(r.markdown.fit_markdown or "").strip() for r in results if r.success and r.markdown]
    return {
        "stages": stages.seconds,
        "total": stages.total,
        "urls": len(urls),
        "pages_with_text": sum(bool(text) and not text.startswith(FILTER_FAILED) for text in texts),
        "chunks": collection.count(),
        "answer_characters": len(answer),
    }


def replay(arguments: argparse.Namespace) -> None:
    """Run this file in a fresh process whose internet and Ollama are replayed."""
    from bench.replay import bench_internet
    from tests.engines.ollama_server import OllamaServer

    net, name = bench_internet(arguments.pages)
    net.latency = arguments.latency
    with net.serve(), OllamaServer(models=[CHAT_MODEL, EMBEDDING_MODEL]) as server:
        print(f"{name}, {arguments.latency * 1000:.0f} ms latency", file=sys.stderr)
        command = [sys.executable, "-m", "bench.seed_pipeline", arguments.question]
        subprocess.run([*command, "--ollama", server.url], env=net.env(), check=True)
    strangers = len(set(net.refused))
    print(f"{strangers} other hosts were asked for: scripts, trackers, Chromium", file=sys.stderr)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("question", nargs="?", default=QUESTION)
    parser.add_argument("--ollama", default="http://127.0.0.1:11434", metavar="URL")
    parser.add_argument("--replay", action="store_true", help="on the replayed internet")
    parser.add_argument("--latency", type=float, default=0.0, metavar="S", help="with --replay")
    parser.add_argument("--pages", type=int, default=10, metavar="N", help="with --replay")
    arguments = parser.parse_args()
    if arguments.replay:
        replay(arguments)
        return
    with tempfile.TemporaryDirectory(prefix="seed-") as name:
        folder = Path(name)
        os.environ.update(
            CRAWL4_AI_BASE_DIRECTORY=name,
            CRAWL4AI_NO_CLOUD_NOTICE="1",
            DO_NOT_TRACK="1",
            UNSTRUCTURED_DISABLE_NOTICE="1",
        )
        os.chdir(folder)  # where the tutorial keeps its index, and spaCy looks for a model
        report = run(arguments.question, arguments.ollama, folder)
        os.chdir("/")
    print(json.dumps(report))


if __name__ == "__main__":
    main()
