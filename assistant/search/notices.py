"""What front ends show under the results of a search: who answered, and why not another."""

from assistant.values import SearchReply
from ingest.foundation.messages import SEMICOLON, Message, join_messages


def source_notice(reply: SearchReply) -> Message:
    """Return who answered, for a line under the results: "results from Mojeek"."""
    if reply.cached:
        return Message(
            "results from {engine}, kept from the same search a while ago", engine=reply.engine
        )
    return Message("results from {engine}", engine=reply.engine)


def fallback_notice(reply: SearchReply) -> Message | None:
    """Return why another engine than the first one answered, None if it was the first."""
    if not reply.skipped:
        return None
    why = join_messages((one.text for one in reply.skipped), SEMICOLON)
    did = Message("{engine} answered instead", engine=reply.engine)
    # Without hits no engine stands in for another: the one that did answer has nothing either.
    if not reply.hits:
        did = Message("{engine} found nothing", engine=reply.engine)
    return Message(
        "{why}; {did} (to ask others, or in another order: search.engines)", why=why, did=did
    )
