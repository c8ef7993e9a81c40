"""Bocha (博查), a search API for the Chinese web, which wants a key.

https://open.bochaai.com: POST /v1/web-search with a JSON body; the reply follows Bing's, results
in data.webPages.value. The same API answers at https://api.bocha.cn.
"""

from collections.abc import Iterator
from typing import Any

from assistant.search.json_api import ApiRequest, KeyedJsonEngine, result_objects, result_row
from assistant.search.result_pages import EngineFailure, ResultRow
from ingest.foundation.messages import Language

COUNT = 50
"""Results a request, the most there are: each request is paid for, however few it asks for."""


class Bocha(KeyedJsonEngine):
    """Asks Bocha."""

    name = "Bocha"
    server = "https://api.bochaai.com"
    path = "/v1/web-search"
    table = "bocha"
    key_page = "https://open.bochaai.com"

    def requests(self, query: str, language: Language) -> Iterator[ApiRequest]:
        """Yield one request: 50 results are more than a question wants."""
        # "summary" is a long extract of each page; we read the pages ourselves.
        yield ApiRequest(
            body={
                "query": query,
                "count": COUNT,
                "page": 1,
                "freshness": "noLimit",
                "summary": False,
            }
        )

    def parse_rows(self, reply: Any) -> list[ResultRow]:
        """Return the rows of a reply."""
        # A field without a value is null, not left out: "webPages" where nothing is found.
        pages = reply["data"]["webPages"] or {}
        return [
            result_row(url=one["url"], title=one.get("name"), snippet=one.get("snippet"))
            for one in result_objects(pages.get("value") or [], required="url")
        ]

    def explain_status(self, status: int, body: bytes) -> EngineFailure:
        """Return what a status other than 200 means; 403 is an account without credit."""
        return self.used_up() if status == 403 else super().explain_status(status, body)
