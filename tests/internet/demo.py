"""A small internet to play with: sample pages in two languages, and DuckDuckGo to find them.

python -m tests.internet.demo ask "无人机夜间飞行需要什么条件？"     # ask over it, no model
python -m tests.internet.demo ask "How hot for green tea?" --ollama 127.0.0.1:11434
python -m tests.internet.demo evaluate --html report.html            # judge answers over it
python -m tests.internet.demo serve                                  # lead your own shell there
"""

import json
import math
import re
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template

import click
import lxml.html

from ingest.text.language import language_of
from ingest.text.words import sentence_spans, words
from tests.internet.duckduckgo import DuckDuckGoSite, Index, Result
from tests.internet.engines import AUTOMATED, BRAVE, MOJEEK
from tests.internet.net import Internet, Reply

PAGES = Path(__file__).parent / "pages"
QUESTIONS = Path(__file__).parent / "questions.jsonl"
"""Questions on the pages, with what a right answer holds, for `assistant evaluate`."""
CLOSED = "127.0.0.1:9"
"""Nobody listens on the discard port: the address of a model server that is not there."""

INTRODUCTION = {
    "zh": "演示：本机上的小型互联网，网页均为示例；没有模型，回答是来源原文摘录",
    "en": "Demo: a small internet on this machine, sample pages, no model: answers are quotes",
}
WORDS_OF_THE_SITE = {
    "zh": {
        "menu": "<li><a href='/'>首页</a></li><li><a href='/about'>关于</a></li>",
        "cookies": "我们使用 Cookie 改善您的体验。继续浏览即表示同意。",
        "agree": "全部接受",
        "related": "相关阅读",
        "more": "更多精彩内容",
        "sample": "示例文本：网站为虚构，内容仅供软件演示，不构成任何建议。",
    },
    "en": {
        "menu": "<li><a href='/'>Home</a></li><li><a href='/about'>About</a></li>",
        "cookies": "We value your privacy. We use cookies to improve your experience.",
        "agree": "Accept all",
        "related": "Related",
        "more": "Read more",
        "sample": "Sample text: this site is invented for a software demo. It gives no advice.",
    },
}

# How much a repeated word counts, and how much length does: the customary values of BM25
# (Robertson and Zaragoza, 2009).
K1 = 1.2
B = 0.75
TITLE_WEIGHT = 3
RELEVANT = 0.25
"""Share of the best score below which a page is no result: it only shares words like "the"."""
SNIPPET_CHARACTERS = 160


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplePage:
    """One file of `pages/`: an article, and the place and manners of its site."""

    url: str
    site: str
    title: str
    language: str
    published: str
    body: str
    """HTML of the article without its title."""
    charset: str = "utf-8"
    delay: float = 0.0
    location: str | None = None
    """Where the page has moved to."""
    by_script: bool = False
    robots: str = "User-agent: *\nDisallow: /admin/\n"

    @property
    def text(self) -> str:
        """The article as plain text."""
        return str(lxml.html.fromstring(self.body).text_content())

    def html(self) -> str:
        """Return the whole page, with the menu, the banner and the footer of its site."""
        layout = Template((PAGES / "layout.html").read_text(encoding="utf-8"))
        page = layout.substitute(
            WORDS_OF_THE_SITE[self.language],
            url=self.url,
            site=self.site,
            title=self.title,
            language=self.language,
            published=self.published,
            charset=self.charset,
            body=self.body,
        )
        return drawn_by_script(self.title, self.body) if self.by_script else page


def drawn_by_script(title: str, body: str) -> str:
    """Return a page that shows nothing until a browser runs it."""
    return (
        f"<!DOCTYPE html><html><head><title>{title}</title></head><body><div id='app'></div>"
        f"<script>document.getElementById('app').innerHTML = {json.dumps(body)}</script>"
        "</body></html>"
    )


def read_page(path: Path) -> SamplePage:
    """Return the page of one file: "<!-- name: value -->" lines at its head, then the article."""
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    fields = [re.match(r"<!-- (\w+): (.+) -->", line) for line in lines]
    top = next(number for number, field in enumerate(fields) if not field)
    head = {field[1]: field[2] for field in fields[:top] if field}
    robots = {"robots": head["robots"].replace("\\n", "\n")} if "robots" in head else {}
    return SamplePage(
        url=head["url"],
        site=head["site"],
        title=head["title"],
        language=head["language"],
        published=head["published"],
        body="".join(lines[top:]).strip(),
        charset=head.get("charset", "utf-8"),
        delay=float(head.get("delay", "0")),
        location=head.get("location"),
        by_script=head.get("layout") == "script",
        **robots,
    )


def sample_pages() -> list[SamplePage]:
    """Return all the pages, by file name."""
    files = sorted(PAGES.glob("*.html"))
    return [read_page(path) for path in files if path.name != "layout.html"]


def publish(net: Internet, page: SamplePage) -> None:
    """Put one page and the robots.txt of its host on `net`."""
    net.robots(page.url.split("/")[2], page.robots)
    if page.location:
        net.page(page.url, Reply(status=301, location=page.location))
        return
    charset = "" if page.charset == "utf-8" else page.charset
    body = page.html().encode(charset or "utf-8")
    declared = "text/html" if charset else "text/html; charset=utf-8"  # GBK hides in <meta>
    net.page(page.url, body, content_type=declared, delay=page.delay, gzip=True)


def word_search(pages: Sequence[SamplePage]) -> Index:
    """Return an index over `pages` by BM25: what shares no word with the query is not found."""
    counts = [Counter(words(page.title) * TITLE_WEIGHT + words(page.text)) for page in pages]
    lengths = [count.total() for count in counts]
    average = sum(lengths) / len(lengths)
    frequency = Counter(word for count in counts for word in count)

    def weight(word: str, count: Counter[str], length: int) -> float:
        rarity = math.log(1 + (len(pages) - frequency[word] + 0.5) / (frequency[word] + 0.5))
        repeated = count[word] * (K1 + 1) / (count[word] + K1 * (1 - B + B * length / average))
        return rarity * repeated

    def find(query: str) -> list[Result]:
        asked = set(words(query))
        scores = [
            sum(weight(word, count, length) for word in asked)
            for count, length in zip(counts, lengths, strict=True)
        ]
        ranked = sorted(zip(scores, pages, strict=True), key=lambda pair: -pair[0])
        return [
            Result(url=page.url, title=f"{page.title} - {page.site}", snippet=snippet(page, asked))
            for score, page in ranked
            if score > max(scores) * RELEVANT
        ]

    return find


def snippet(page: SamplePage, asked: set[str]) -> str:
    """Return the sentence that shares most words with the question."""
    text = page.text
    sentences = [text[start:end] for start, end in sentence_spans(text)]
    best = max(sentences, key=lambda sentence: len(asked & set(words(sentence))))
    return best[:SNIPPET_CHARACTERS]


def demo_internet() -> Internet:
    """Return the sample pages and a DuckDuckGo that finds them."""
    net = Internet()
    pages = sample_pages()
    for page in pages:
        publish(net, page)
    DuckDuckGoSite(word_search(pages), wrapped=True).install(net)
    for host in (MOJEEK, BRAVE):  # they stand behind, and know nobody here
        net.route(host, lambda _request: AUTOMATED)
    return net


def surroundings(net: Internet, home: str, ollama: str) -> dict[str, str]:
    """Return the environment of a command that lives on `net` and knows nothing of its user."""
    own = {"ASSISTANT_HOME": home, "OLLAMA_HOST": ollama}
    if ollama == CLOSED:  # nobody is missed, so nobody need complain
        own |= {"ASSISTANT_MODEL__PROVIDER": "extractive"}
    rest = net.env(**own).items()
    return {name: value for name, value in rest if name in own or not name.startswith("ASSISTANT_")}


def run(command: Sequence[str], environment: dict[str, str], folder: str) -> int:
    """Run a command with its output streaming through and return its exit code.

    Ctrl-C reaches it from the terminal; we wait for what it makes of that.
    """
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        return subprocess.Popen(command, env=environment, cwd=folder).wait()
    finally:
        signal.signal(signal.SIGINT, before)


@click.group()
def main() -> None:
    """Play with the assistant on a small replayed internet."""


@main.command(context_settings={"ignore_unknown_options": True})
@click.argument("question")
@click.argument("options", nargs=-1, type=click.UNPROCESSED)
@click.option("--ollama", default=CLOSED, metavar="HOST:PORT", help="A model server to use.")
def ask(question: str, options: tuple[str, ...], ollama: str) -> None:
    """Ask QUESTION over the sample pages; OPTIONS go to `assistant ask`."""
    command = [str(Path(sys.executable).with_name("assistant")), "ask", "--web", *options]
    click.secho(INTRODUCTION[language_of(question)], err=True, dim=True)
    net = demo_internet()
    with net.serve(), tempfile.TemporaryDirectory(prefix="qiuzheng-demo-") as home:
        environment = surroundings(net, home, ollama)
        # Its home is gone at the end: nothing there could be explained.
        environment["ASSISTANT_SNAPSHOTS__ENABLED"] = "false"
        code = run([*command, "--", question], environment, home)
    if net.refused:
        click.echo(f"asked for outside of the demo: {', '.join(net.refused)}", err=True)
    sys.exit(code)


@main.command(context_settings={"ignore_unknown_options": True})
@click.argument("options", nargs=-1, type=click.UNPROCESSED)
@click.option("--ollama", default=CLOSED, metavar="HOST:PORT", help="A model server to use.")
def evaluate(options: tuple[str, ...], ollama: str) -> None:
    """Put the sample pages into an index and ask `questions.jsonl`; OPTIONS go to the command."""
    commands = Path(sys.executable).parent
    urls = [page.url for page in sample_pages() if not page.location and not page.by_script]
    net = demo_internet()
    with net.serve(), tempfile.TemporaryDirectory(prefix="qiuzheng-demo-") as home:
        environment = surroundings(net, home, ollama)
        run([str(commands / "ingest"), *urls, "--quiet"], environment, home)
        # In the caller's folder: files of --html and --save are theirs.
        command = [str(commands / "assistant"), "evaluate", str(QUESTIONS), *options]
        code = run(command, environment, ".")
    sys.exit(code)


@main.command()
def serve() -> None:
    """Serve the sample pages until Ctrl-C; stdout says how to get there."""
    net = demo_internet()
    with net.serve():
        for name, value in net.variables.items():
            click.echo(f"export {name}={value}")
        click.echo(f"# {len(sample_pages())} pages on {net.proxy}; Ctrl-C ends it", err=True)
        sys.stdout.flush()
        try:
            signal.pause()
        except KeyboardInterrupt:
            click.echo("", err=True)


if __name__ == "__main__":
    main()
