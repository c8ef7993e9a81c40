"""Our pruning inside the real crawl4ai, on English and Chinese pages."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ENGLISH = """
<html><head><title>Drones</title><script>var drone = "lights at night";</script></head><body>
<nav><ul><li><a href="/">Drone lights</a><li><a href="/n">Drones at night</a></ul></nav>
<main><h1>Flying a drone</h1>
<p>Kites are flown by the sea, where the wind is steady and the sand is soft.</p>
<h2>At night</h2>
<p>A <b>drone</b> needs a <a href="/lamp">green lamp</a> at night, seen 3&nbsp;km &amp; more.</p>
<h2>Prices</h2>
<ul><li>Training: 80 euros</li><li>Lamp: 20 euros</li></ul>
<table><tr><th>Model</th><th>Weight</th></tr><tr><td>Mini</td><td>249 g</td></tr></table>
<p>Tea is served hot in the club house, which opens at nine and closes at six.</p></main>
<footer>Share this page on drone lights at night. All rights reserved.</footer></body></html>
"""
CHINESE = """
<html><head><title>无人机</title></head><body>
<div class="related"><a href="/1">无人机夜间飞行灯光</a> <a href="/2">无人机灯光要求</a></div>
<h1>飞行须知</h1>
<p>风筝适合在海边放飞，那里风力稳定，沙滩柔软，孩子们也可以自由奔跑。</p>
<h2>灯光要求</h2>
<p>无人机在夜间飞行时，必须开启<b>绿色</b>防撞灯，五公里外应当可见。</p>
<h2>费用</h2>
<ul><li>培训：八百元</li><li>灯光检查：一百二十元</li></ul>
<p>俱乐部提供热茶，上午九点开门，下午六点关门，周末照常营业。</p>
</body></html>
"""

Fit = Callable[[str, str, int], str]
"""From HTML, question and budget to crawl4ai's "fit" Markdown."""


@pytest.fixture(scope="module")
def crawl4ai(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Import crawl4ai, which makes a folder where it is told to."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("CRAWL4_AI_BASE_DIRECTORY", str(tmp_path_factory.mktemp("crawl4ai")))
        environment.setenv("CRAWL4AI_NO_CLOUD_NOTICE", "1")
        import crawl4ai

        return crawl4ai


@pytest.fixture
def fit(crawl4ai: Any) -> Fit:
    from ingest.crawl4ai_filter import RankContentFilter

    def fit(html: str, question: str, budget: int) -> str:
        chosen = RankContentFilter(question, budget=budget)
        generator = crawl4ai.DefaultMarkdownGenerator(content_filter=chosen)
        return str(generator.generate_markdown(html, base_url="https://a.example/").fit_markdown)

    return fit


@pytest.mark.parametrize(
    ("page", "question", "heading", "answer"),
    [
        (ENGLISH, "What light does a drone need at night?", "## At night", "green lamp"),
        (ENGLISH, "How many euros for training?", "## Prices", "Training: 80 euros"),
        (ENGLISH, "Mini model weight", "## Prices", "249 g"),
        (CHINESE, "无人机夜间飞行需要什么灯光？", "## 灯光要求", "防撞灯，五公里外应当可见"),
        (CHINESE, "灯光检查费用多少？", "## 费用", "灯光检查：一百二十元"),
    ],
)
def test_block_that_answers_is_kept_under_its_heading(
    fit: Fit, page: str, question: str, heading: str, answer: str
) -> None:
    text = fit(page, question, 1)
    assert heading in text
    assert answer in text
    assert "Tea" not in text
    assert "热茶" not in text


@pytest.mark.parametrize(
    ("page", "question", "noise"),
    [
        (ENGLISH, "drone lights at night", ["Share this", "Drones at night", "var drone"]),
        (CHINESE, "无人机夜间飞行灯光", ["无人机夜间飞行灯光", "无人机灯光要求"]),
    ],
)
def test_menus_and_links_that_repeat_the_question_do_not_win(
    fit: Fit, page: str, question: str, noise: list[str]
) -> None:
    text = fit(page, question, 1)
    assert not [words for words in noise if words in text]


def test_whole_page_is_kept_in_its_order_where_there_is_room(fit: Fit) -> None:
    text = fit(ENGLISH, "drones", 10_000)
    places = [text.index(words) for words in ("Kites", "At night", "green lamp", "Prices", "Tea")]
    assert places == sorted(places)
    assert "3\xa0km & more" in text or "3 km & more" in text


@pytest.mark.parametrize(
    "page", ["", " ", "no tags at all", "<p>", "<h1>Only a heading</h1>", "<" * 2000, "\x00<p>\x00"]
)
def test_odd_pages_are_no_error(fit: Fit, page: str) -> None:
    assert "Error" not in fit(page, "drone", 100)


def test_filter_is_one_of_crawl4ai_s_own_kind(crawl4ai: Any) -> None:
    from ingest.crawl4ai_filter import RankContentFilter

    chosen = RankContentFilter("drone", budget=7)
    assert isinstance(chosen, crawl4ai.content_filter_strategy.RelevantContentFilter)
    assert (chosen.user_query, chosen.budget) == ("drone", 7)
    generator = crawl4ai.DefaultMarkdownGenerator(content_filter=chosen)
    config = crawl4ai.CrawlerRunConfig(markdown_generator=generator)
    assert config.clone().markdown_generator.content_filter is chosen


def test_page_of_our_own_is_pruned_to_what_was_asked(fit: Fit) -> None:
    page = Path(__file__).parents[1] / "data" / "pages" / "night_flight.html"
    text = fit(page.read_text("utf-8"), "夜航培训多少钱", 60)
    assert "800 元" in text
