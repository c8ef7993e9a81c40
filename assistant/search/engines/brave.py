"""Brave's Search API, which wants a key; its result page, which wants none, is ddgs's engine.

https://api-dashboard.search.brave.com/app/documentation/web-search/get-started:
GET /res/v1/web/search?q=&count=&offset=&country=&search_lang=, results in web.results.
"""

import html
import json
from collections.abc import Iterator
from typing import Any

from assistant.search.json_api import ApiRequest, KeyedJsonEngine, result_objects, result_row
from assistant.search.result_pages import EngineFailure, ResultRow
from ingest.foundation.messages import Language

COUNT = 20
"""Results a request, the most there are: each request is paid for, however few it asks for."""
LAST_OFFSET = 9
"""The offset counts pages of `COUNT`, not results."""
WORD_LIMIT = 50
"""Words of the longest query that the API takes, beside the limit in characters."""
LOCALES: dict[Language, dict[str, str]] = {
    "zh": {"country": "CN", "search_lang": "zh-hans"},  # "zh" alone is refused with HTTP 422
    "en": {"country": "US", "search_lang": "en"},
}
REFUSED_KEYS = frozenset(
    {"SUBSCRIPTION_TOKEN_INVALID", "SUBSCRIPTION_TOKEN_MISSING", "SUBSCRIPTION_NOT_FOUND"}
)


class Brave(KeyedJsonEngine):
    """Asks Brave's Search API."""

    name = "Brave API"
    server = "https://api.search.brave.com"
    path = "/res/v1/web/search"
    table = "brave"
    key_page = "https://api-dashboard.search.brave.com"
    key_header = "X-Subscription-Token"
    key_prefix = ""
    query_limit = 400

    def requests(self, query: str, language: Language) -> Iterator[ApiRequest]:
        """Yield the requests for the pages that there are at most."""
        params = {
            "q": " ".join(query.split(" ")[:WORD_LIMIT]),
            "count": str(COUNT),
            "text_decorations": "false",  # no <strong> around the words of the query
            "result_filter": "web",
            **LOCALES.get(language, LOCALES["en"]),
        }
        for offset in range(LAST_OFFSET + 1):
            yield ApiRequest(params=params | {"offset": str(offset)})

    def parse_rows(self, reply: Any) -> list[ResultRow]:
        """Return the rows of a reply, whose texts are HTML: "Rock &amp; Roll"."""
        # A search that finds nothing has no "web" at all, but "query" it always has.
        found = reply.get("web") or {"results": [] if "query" in reply else None}
        return [
            result_row(
                url=one["url"],
                title=html.unescape(one.get("title") or ""),
                snippet=html.unescape(one.get("description") or ""),
            )
            for one in result_objects(found["results"], required="url")
        ]

    def explain_status(self, status: int, body: bytes) -> EngineFailure:
        """Return what a status other than 200 means; its code is in the body.

        A key that is not accepted comes as 422 or 404, and so does a mistake in the request.
        """
        try:
            code = json.loads(body)["error"]["code"]
        except (ValueError, LookupError, TypeError, RecursionError):
            code = ""
        if code in REFUSED_KEYS:
            return self.refused_key()
        return super().explain_status(status, body)
