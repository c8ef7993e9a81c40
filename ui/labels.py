"""Words on the page, in English and Chinese. Stages and reasons come from `assistant.labels`."""

from typing import Final

from ingest.foundation.messages import Language, Wording

NAME: Final = Wording("Qiuzheng", "求证")
WELCOME: Final = Wording("What do you want to know?", "想知道什么？")
PROMISE: Final = Wording(
    "Answers come from pages you can check. Everything stays on this computer; "
    "a web search sends out the question alone.",
    "回答出自可以核对的网页。一切都留在这台电脑上；搜索网页时，只会发出问题本身。",
)
EXAMPLES: Final[tuple[Wording, ...]] = (
    Wording(
        "What do I need to fly a drone at night?",
        "无人机夜间飞行需要什么条件？",
    ),
    Wording(
        "How long may a crawler keep a robots.txt file?",
        "绿茶用多少度的水泡？",
    ),
    Wording(
        "What is the difference between UTC and GMT?",
        "UTC 和 GMT 有什么区别？",
    ),
)

ASK: Final = Wording("Ask anything", "请输入问题")
ASK_MORE: Final = Wording("Ask a follow-up", "继续追问")
BUSY: Final = Wording("Answering…", "正在回答……")
STOP: Final = Wording("Stop", "停止")
NEW: Final = Wording("New chat", "新对话")
WEB: Final = Wording("Search the web", "搜索网页")
WEB_HELP: Final = Wording(
    "On: each question is searched on the web and the pages found are read. "
    "Off: only what is already in your index is used.",
    "打开：每个问题都会搜索并阅读网页。关闭：只用索引里已有的内容。",
)
LANGUAGE: Final = Wording("Language", "语言")
LANGUAGES: Final[dict[Language, str]] = {"zh": "中文", "en": "English"}

OPENING: Final = Wording("Getting ready", "正在准备")
THINKING: Final = Wording("Thinking", "正在思考")
THOUGHTS: Final = Wording("Reasoning", "思考过程")
STOPPED: Final = Wording("Stopped", "已停止")
STOPPED_NOTE: Final = Wording("Stopped before it was finished.", "回答未完成，已停止。")
FAILED: Final = Wording("Not answered", "没有完成")
SEARCHED: Final = Wording("Searched", "搜索")
NOT_IN_INDEX: Final = Wording(
    'Nothing in the index answers this. Switch on "Search the web" below and ask again.',
    "索引里没有能回答这个问题的内容。请打开下方的“搜索网页”再问一次。",
)
FROM_INDEX: Final = Wording("Looked in the index", "查阅了索引")
REPLIED: Final = Wording("Replied", "已回复")


WHOLE_SECONDS_FROM: Final = 10
"""Below it a tenth tells something: many answers from the index take less than a second."""


def seconds(count: float, language: Language) -> str:
    """Return "12 s", below ten "1.2 s"."""
    shown = f"{count:.1f}" if round(count, 1) < WHOLE_SECONDS_FROM else f"{count:.0f}"
    return Wording(f"{shown} s", f"{shown} 秒").to(language)


def pages_found(count: int, language: Language) -> str:
    """Return how many pages a search found."""
    return Wording(_pages(count), f"{count} 个网页").to(language)


def pages_so_far(settled: int, found: int, language: Language) -> str:
    """Return how many of the pages found are read or skipped."""
    return Wording(f"{settled} of {found}", f"{settled}/{found}").to(language)


def pages_read(stored: int, skipped: int, language: Language) -> str:
    """Return what became of the pages."""
    left_out = Wording(f", skipped {skipped}", f"，跳过 {skipped} 个") if skipped else None
    read = Wording(f"Read {_pages(stored)}", f"阅读了 {stored} 个网页").to(language)
    return read + (left_out.to(language) if left_out else "")


def passages_chosen(passages: int, pages: int, language: Language) -> str:
    """Return how many passages of how many pages go to the model."""
    return Wording(
        f"Chose {passages} passage{'' if passages == 1 else 's'} from {_pages(pages)}",
        f"选出 {pages} 个网页中的 {passages} 个段落",
    ).to(language)


def _pages(count: int) -> str:
    return f"{count} page{'' if count == 1 else 's'}"
