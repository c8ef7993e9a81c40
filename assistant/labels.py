"""Words that more than one door shows: stages, and what an answer without text says."""

from typing import Final

from assistant.events import Stage
from ingest.foundation.messages import Wording

STAGES: Final[dict[Stage, Wording]] = {
    "search": Wording("Searching the web", "正在搜索网页"),
    "read": Wording("Reading pages", "正在阅读网页"),
    "retrieve": Wording("Choosing passages", "正在挑选段落"),
    "reply": Wording("Answering", "正在回答"),
}

NO_TEXT_WEB: Final = Wording(
    "I could not read any page that answers this. Try other words, or ask again later.",
    "没有读到能回答这个问题的网页。请换个说法，或稍后再问。",
)
NO_TEXT_OFFLINE: Final = Wording(
    "The web could not be searched, and nothing in the index answers this. Check the network, or "
    "ask again later.",
    "没能搜索网页，索引里也没有能回答这个问题的内容。请检查网络，或稍后再问。",
)
NO_TEXT_INDEX: Final = Wording(
    "Nothing in the index answers this. Search the web with --web, or add pages: ingest urls.txt",
    "索引里没有能回答这个问题的内容。可加 --web 搜索网页，或先收录网页：ingest urls.txt",
)
SOURCES: Final = Wording("Sources", "来源")
FETCHED: Final = Wording("fetched", "读取于")
QUOTES: Final = Wording("quotes from pages, not an answer", "网页原文摘录，并非模型的回答")
