"""The one service of a server, which the page and its routes share."""

import threading
from collections.abc import Sequence

from assistant.bootstrap import open_assistant
from assistant.conversations.store import ConversationStore, conversations_path
from assistant.errors import SnapshotError
from assistant.settings import load_settings
from assistant.snapshots.store import SnapshotStore
from assistant.values import ChatMessage
from ingest.foundation.errors import SettingsError
from ui.service import AssistantService


def _kept_prompt(answer_id: str) -> Sequence[ChatMessage]:
    """Return the prompt that was kept of an answer, () if none was, or it is gone."""
    if not answer_id:
        return ()
    try:
        kept = load_settings().snapshots
        with SnapshotStore(kept.path, keep=kept.keep, days=kept.days) as store:
            return store.get(answer_id).prompt
    except (SnapshotError, SettingsError):
        return ()


_SERVICES: list[AssistantService] = []
_SHARING = threading.Lock()


def shared_service() -> AssistantService:
    """Return the service for every tab of this server."""
    # The page and its routes run in different threads, and ask for it at the same moment.
    with _SHARING:
        if not _SERVICES:
            service = AssistantService(
                open_assistant,
                open_store=lambda: ConversationStore(conversations_path()),
                prompt_of=_kept_prompt,
            )
            # atexit comes too late: closing the index needs worker threads, and those are gone by
            # then.
            threading._register_atexit(service.close)  # type: ignore[attr-defined]
            _SERVICES.append(service)
        return _SERVICES[0]
