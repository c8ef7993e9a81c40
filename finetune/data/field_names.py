"""What tools and people call the same field, where `data.map` names none."""

import re

QUESTION_NAMES = (
    "question",
    "query",
    "prompt",
    "ask",
    "Question",
    "q",
    "Q",
    "问题",
    "标准问题",
    "标准问",
    "题目",
    "题干",
    "提问",
    "问",
    "问句",
    "客户问题",
    "用户问题",
    "用户提问",
    "咨询内容",
)
"""Fields of the words that ask: TRL and OpenAI have "prompt", ms-swift "query"."""

ANSWER_NAMES = (
    "answer",
    "response",
    "completion",
    "reply",
    "Answer",
    "Response",
    "a",
    "A",
    "target",
    "回答",
    "答案",
    "答",
    "回复",
    "答复",
    "客服回复",
    "客服回答",
    "标准答案",
    "参考答案",
    "回复内容",
    "标准答复",
    "标准回复",
    "客服答复",
)
"""Fields of the words that answer: ms-swift has "response", OpenAI "completion"."""

THINK_NAMES = (
    *("think", "thought", "reasoning_content", "cot", "Complex_CoT", "complex_cot"),
    *("思考", "思考过程", "思维链", "推理过程"),
)
"""Fields of a thought. Not "reasoning": in well-known sets it holds the answer."""

SYSTEM_NAMES = ("system", "system_prompt", "系统", "系统提示", "系统提示词")
HISTORY_NAMES = ("history", "历史", "历史对话")
MESSAGE_NAMES = ("conversations", "conversation", "messages", "contents", "对话")

INSTRUCTION_NAMES = ("instruction", "指令")
CONTEXT_NAMES = ("context", "上下文", "背景资料", "参考资料")
INPUT_NAMES = ("input", "输入", *CONTEXT_NAMES)
"""What an instruction is about; Dolly has "context"."""
OUTPUT_NAMES = ("output", "target", "输出")
LABEL_NAMES = ("label", "类别", "标签", "分类")
TEXT_NAMES = ("text", "文本", "内容")

SIMILAR_NAMES = (
    *("相似问题", "相似问", "相似问法", "扩展问题", "扩展问", "同义问", "similar_questions"),
    *("similar questions", "variants", "paraphrases"),
)
"""Other wordings of a row's question, which the same answer answers."""

COLUMN_NAMES = frozenset(
    name.casefold()
    for names in (
        *(QUESTION_NAMES, ANSWER_NAMES, THINK_NAMES, SYSTEM_NAMES, HISTORY_NAMES, MESSAGE_NAMES),
        *(INSTRUCTION_NAMES, INPUT_NAMES, OUTPUT_NAMES, LABEL_NAMES, TEXT_NAMES, SIMILAR_NAMES),
    )
    for name in names
)
"""All of them, as columns of tables are read: in lower case."""

ASKING = re.compile(
    r"问|咨询|诉求|标题|题目|question|query|prompt|ask|instruction|input|user|title|subject",
    re.IGNORECASE,
)
ANSWERING = re.compile(
    r"答|复|处理结果|解决|answer|response|reply|completion|output|solution|resolution|assistant"
    r"|target|summary",
    re.IGNORECASE,
)
LABELLING = re.compile(
    r"类|标签|意图|情感|情绪|label|category|class|intent|tag|sentiment|emotion", re.IGNORECASE
)
THINKING = re.compile(r"cot$|chain.?of.?thought|思维链|思考|推理", re.IGNORECASE)
"""What names of fields hold that ask, answer, sort or think, where they are none of those above."""

THREAD_NAMES = (
    *("conversation_id", "conversationid", "session_id", "sessionid", "dialog_id", "dialogue_id"),
    *("thread_id", "chat_id", "ticket_id", "会话id", "会话编号", "会话号", "对话id", "对话编号"),
)
SPEAKER_NAMES = (
    *("role", "角色", "发送方", "发言方", "sender_type", "sender", "speaker", "from", "author"),
    *("发送人", "发送者", "发言人", "说话人", "身份"),
)
UTTERANCE_NAMES = (
    *("content", "message", "text", "utterance", "value", "body", "内容", "消息", "消息内容"),
    *("聊天内容", "话术", "发言"),
)
TIME_NAMES = (
    *("date_unixtime", "date", "timestamp", "time", "datetime", "sent_at", "created_at"),
    *("时间", "发送时间", "日期", "消息时间"),
)
"""Columns of a table with one message a row, in lower case."""

EXPORT_NAMES = frozenset(
    {"id", "type", "from_id", "text_entities", "reply_to_message_id", "edited", "edited_unixtime"}
    | {"forwarded_from", "media_type", "mime_type", "duration_seconds", "file", "file_name"}
    | {"file_size", "photo", "photo_file_size", "width", "height", "reactions", "sticker_emoji"}
    | {"thumbnail", "via_bot", "authorid", "attachments", "message_id", "消息id", "消息编号"}
)
"""What the exports of Telegram and Discord say of a message besides, in lower case."""

_ASKER = re.compile(
    r"客户|用户|顾客|买家|患者|病人|学生|学员|来访者|咨询者|访客|提问|问$|^甲方?$|^我$|"
    r"^(?:user|human|customer|client|buyer|patient|student|visitor|guest|caller|q|me)\b",
    re.IGNORECASE,
)
_ANSWERER = re.compile(
    r"客服|小二|商家|卖家|店|助手|助理|机器人|医生|大夫|老师|专家|顾问|律师|咨询师|答$|回答|坐席|顾问"
    r"|^乙方?$|^(?:assistant|agent|bot|ai|gpt|chatgpt|model|support|advisor|adviser|doctor|teacher"
    r"|expert|therapist|representative|rep|operator|seller|shop|a)\b|support|\bagent\b|\bbot\b",
    re.IGNORECASE,
)


def side_of_speaker(name: str) -> str | None:
    """Return the side of a speaker, "user", "answer" or "system", None if it is unknown."""
    if name.strip().casefold() in ("system", "系统", "developer"):
        return "system"
    if _ASKER.search(name):
        return "user"
    return "answer" if _ANSWERER.search(name) else None
