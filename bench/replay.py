"""What the end-to-end benches stand on: real pages on the replayed internet.

The pages are the articles of bench/data.py, which are not part of this repository; without them the
demo's sample pages are used instead, and the bench says so.
"""

import gzip
import json

from bench.data import DATA
from tests.internet.demo import publish, sample_pages
from tests.internet.duckduckgo import DuckDuckGoSite, Result
from tests.internet.net import Internet

ARTICLES = DATA / "articles"


def real_pages(net: Internet, limit: int) -> list[Result]:
    """Put up to `limit` real articles on `net`, one host each, [] where there are none."""
    truth = ARTICLES / "ground-truth.json"
    if not truth.is_file():
        return []
    results: dict[str, Result] = {}
    for name, article in sorted(json.loads(truth.read_text(encoding="utf-8")).items()):
        host = article["url"].split("/")[2]
        packed = ARTICLES / "html" / f"{name}.html.gz"
        if len(results) < limit and host not in results and packed.is_file():
            net.page(article["url"], gzip.decompress(packed.read_bytes()), gzip=True)
            snippet = article["articleBody"][:160]
            results[host] = Result(url=article["url"], title=host, snippet=snippet)
    return list(results.values())


def bench_internet(limit: int) -> tuple[Internet, str]:
    """Return an internet whose DuckDuckGo finds the same `limit` pages always, and its name."""
    net = Internet()
    results = real_pages(net, limit)
    name = f"{len(results)} real articles"
    if not results:
        pages = [page for page in sample_pages() if not (page.location or page.delay)][:limit]
        for page in pages:
            publish(net, page)
        results = [Result(url=page.url, title=page.title) for page in pages]
        name = f"{len(results)} sample pages ({ARTICLES} is missing)"
    DuckDuckGoSite(lambda _query: results).install(net)
    return net, name
