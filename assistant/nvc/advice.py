"""Another wording for a message that may hurt: what was seen, felt, needed and asked for."""

import asyncio
import json
import logging
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from assistant.bootstrap import open_model
from assistant.errors import ModelError
from assistant.models.base import collect_reply
from assistant.nvc.detector import MessageDetector
from assistant.nvc.rules import Harm, find_harms
from assistant.settings import Settings, load_settings
from assistant.values import ChatMessage, Prompt
from ingest.foundation.errors import SettingsError
from ingest.foundation.messages import Language, Message
from ingest.text.language import language_of
from ingest.text.tokens import estimate_tokens

PARTS: Final = ("observation", "feeling", "need", "request", "rewrite")
"""Parts of a model's reply, as `finetune/recipes/nvc.toml` trains it."""
INSTRUCTION: Final = Message.bilingual(
    "Judge whether the message may cause conflict. If so, rewrite it by observation, feeling, need "
    'and request, and reply as JSON; if not, reply {"risk": false}.',
    "判断消息是否可能引起冲突。可能时，用观察、感受、需要、请求改写，按 JSON 输出；"
    '不会时输出 {"risk": false}。',
)
SCHEMA: Final[Mapping[str, Any]] = {
    "type": "object",
    "properties": {"risk": {"type": "boolean"}, **{part: {"type": "string"} for part in PARTS}},
    "required": ["risk", *PARTS],
}
MODEL_S = 20.0
"""How long a person waits for a wording before the coded one is shown."""
REPLY_TOKENS = 320
MAX_REPLY_CHARACTERS = 1_500
"""Characters."""

_TEMPLATE = Message.bilingual(
    "When I see ___, I feel {feeling}, because I need {need}. Would you be willing to {request}?",
    "当我看到＿＿＿时，我感到{feeling}，因为我{need}。你愿意{request}吗？",
)
_WORDS: Mapping[Harm, tuple[Message, Message, Message]] = {
    "judgement": (
        Message.bilingual("upset", "难过"),
        Message.bilingual("respect", "看重彼此尊重"),
        Message.bilingual("tell me how you see it", "和我说说你是怎么看的"),
    ),
    "generalization": (
        Message.bilingual("discouraged", "失望"),
        Message.bilingual("support", "希望有人分担"),
        Message.bilingual("do it this week", "这周来做一次"),
    ),
    "blame": (
        Message.bilingual("frustrated", "着急"),
        Message.bilingual("to sort it out together", "希望我们一起解决"),
        Message.bilingual("look at it with me now", "现在和我一起看看怎么办"),
    ),
    "comparison": (
        Message.bilingual("worried", "担心"),
        Message.bilingual("to see you do well", "希望看到你进步"),
        Message.bilingual("tell me what would help you", "告诉我怎样能帮到你"),
    ),
    "demand": (
        Message.bilingual("tense", "紧张"),
        Message.bilingual("cooperation", "需要你的配合"),
        Message.bilingual("do it first", "先做好这件事"),
    ),
    "threat": (
        Message.bilingual("worried", "不安"),
        Message.bilingual("something I can rely on", "需要一个靠得住的约定"),
        Message.bilingual("agree on what we do next time", "和我约好下次怎么做"),
    ),
    "contempt": (
        Message.bilingual("hurt", "失落"),
        Message.bilingual("to be taken seriously", "希望被重视"),
        Message.bilingual("talk about it with me", "和我谈谈这件事"),
    ),
}
"""For each harm what may be felt and needed in its place, and what could be asked."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageAdvice:
    """A message that is held, and how it could be put."""

    message: str
    harms: tuple[Harm, ...]
    rewrite: str
    """Where no model wrote it, with a blank for what was seen: only the writer knows."""
    by_model: bool


class MessageAdviser:
    """Looks at messages before they are sent. What it needs is opened by the first one."""

    def __init__(self) -> None:
        self._detector = MessageDetector()

    async def advise(self, message: str) -> MessageAdvice | None:
        """Return advice for a message that may hurt, None for one that can be sent as it is.

        Raises:
            SettingsError: the settings cannot be read.
        """
        settings = await asyncio.to_thread(load_settings)
        harms = await self._detector.harms_of(message, settings)
        if not harms:
            return None
        language = language_of(message)
        rewrite = await _model_rewrite(message, language, settings)
        return MessageAdvice(
            message=message,
            harms=harms,
            rewrite=rewrite or coded_rewrite(harms, language),
            by_model=bool(rewrite),
        )

    async def close(self) -> None:
        """Close the encoder. May be called twice."""
        await self._detector.close()


def coded_rewrite(harms: tuple[Harm, ...], language: Language) -> str:
    """Return a wording with a blank for what the writer saw."""
    feeling, need, request = _WORDS[harms[0]]
    return _TEMPLATE.localize(language).format(
        feeling=feeling.localize(language),
        need=need.localize(language),
        request=request.localize(language),
    )


async def _model_rewrite(message: str, language: Language, settings: Settings) -> str:
    """Return the wording of the model in force, "" where there is none that can be used."""
    with suppress(ModelError, SettingsError, TimeoutError):
        async with asyncio.timeout(MODEL_S):
            model = (await open_model(settings.model)).model
            try:
                if model.kind != "model":
                    return ""
                # The words that the recipe trains, in the message that it trains them in.
                content = f"{INSTRUCTION.localize(language)}\n{message}"
                prompt = Prompt(
                    messages=(ChatMessage(role="user", content=content),),
                    question=message,
                    language=language,
                    tokens=estimate_tokens(content),
                    reply_tokens=REPLY_TOKENS,
                    thinking=False,
                    schema=SCHEMA,
                )
                reply = await collect_reply(model, prompt, longest=MAX_REPLY_CHARACTERS)
            finally:
                await model.close()
        try:
            rewrite = str(json.loads(reply[reply.find("{") :])["rewrite"]).strip()
        except (ValueError, KeyError, TypeError):
            _log.debug("a model's wording was no JSON")
            return ""
        # A small model often repeats the message, or answers it in kind: that is no help.
        is_better = language_of(rewrite) == language and not find_harms(rewrite, language)
        return rewrite if is_better and message.strip(" !！。.") not in rewrite else ""
    return ""
