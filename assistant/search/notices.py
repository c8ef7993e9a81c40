"""What to tell people about a search that found something: who answered, and why not another."""

from assistant.values import SearchReply
from ingest.foundation.messages import Wording


def answered_by(reply: SearchReply) -> Wording:
    """Return who answered, for a line under the results: "results from Mojeek"."""
    if reply.cached:
        return Wording(
            f"results from {reply.engine}, kept from the same search a while ago",
            f"结果来自 {reply.engine}，取自不久前的同一次搜索",
        )
    return Wording(f"results from {reply.engine}", f"结果来自 {reply.engine}")


def stand_in(reply: SearchReply) -> Wording | None:
    """Return why another engine than the first one answered, None if it was the first."""
    if not reply.skipped:
        return None
    why_en = "; ".join(one.text.en for one in reply.skipped)
    why_zh = "；".join(one.text.zh for one in reply.skipped)
    engine = reply.engine
    did_en = f"{engine} answered instead" if reply.hits else f"{engine} found nothing"
    did_zh = f"改由 {engine} 回答" if reply.hits else f"{engine} 没有找到结果"
    return Wording(
        f"{why_en}; {did_en} (to ask others, or in another order: search.engines)",
        f"{why_zh}；{did_zh}（可在 search.engines 中更换引擎或调整顺序）",
    )
