"""Tavily, a search API for programs, which wants a key.

https://docs.tavily.com/documentation/api-reference/endpoint/search: POST /search with a JSON body,
results in results.
"""

from collections.abc import Iterator
from typing import Any

from assistant.search.json_api import ApiRequest, KeyedJsonEngine, result_objects, result_row
from assistant.search.result_pages import EngineFailure, ResultRow
from ingest.foundation.messages import Language

MAX_RESULTS = 20
"""The most there are; they cost no more than one."""
USED_UP = frozenset({432, 433})
"""Tavily's own statuses: the plan's limit, and the limit of what is paid as it is used."""


class Tavily(KeyedJsonEngine):
    """Asks Tavily."""

    name = "Tavily"
    server = "https://api.tavily.com"
    path = "/search"
    table = "tavily"
    key_page = "https://app.tavily.com"
    query_limit = 400

    def requests(self, query: str, language: Language) -> Iterator[ApiRequest]:
        """Yield one request: there is no second page."""
        # "basic" costs one credit; "advanced" two, for extracts of pages that we read ourselves.
        yield ApiRequest(body={"query": query, "max_results": MAX_RESULTS, "search_depth": "basic"})

    def parse_rows(self, reply: Any) -> list[ResultRow]:
        """Return the rows of a reply."""
        return [
            result_row(url=one["url"], title=one.get("title"), snippet=one.get("content"))
            for one in result_objects(reply["results"], required="url")
        ]

    def explain_status(self, status: int, body: bytes) -> EngineFailure:
        """Return what a status other than 200 means."""
        return self.used_up() if status in USED_UP else super().explain_status(status, body)
