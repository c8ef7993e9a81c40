"""What tools and people call the same field, where `data.map` names none."""

QUESTION_NAMES = (
    "question",
    "query",
    "prompt",
    "ask",
    "问题",
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
)
"""Fields of the words that answer: ms-swift has "response", OpenAI "completion"."""

THINK_NAMES = ("think", "thought", "reasoning_content", "思考", "思考过程", "思维链", "推理过程")
"""Fields of a thought. Not "reasoning": in well-known sets it holds the answer."""

SYSTEM_NAMES = ("system", "system_prompt", "系统", "系统提示", "系统提示词")
HISTORY_NAMES = ("history", "历史", "历史对话")
MESSAGE_NAMES = ("conversations", "conversation", "messages", "对话")

INSTRUCTION_NAMES = ("instruction", "指令")
INPUT_NAMES = ("input", "输入")
OUTPUT_NAMES = ("output", "输出")
LABEL_NAMES = ("label", "类别", "标签", "分类")
TEXT_NAMES = ("text", "文本", "内容")
