"""Answers what is no question to the pages: greetings, who are you, help, dates, sums, statements.

All of it is recognized and answered by code: nothing is searched, and no model is asked.
"""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta

from assistant.answer.arithmetic import SumError, compute_sum, parse_sum
from ingest.foundation.messages import Message

SMALL_TALK = Message("Glad to help: ask a question, and I look for an answer with sources.")
IDENTITY = Message(
    "I am an assistant that runs on this computer: I look for answers in web pages and in your "
    "documents, and name the sources."
)
HELP = Message(
    "Ask a question in a whole sentence, in Chinese or English. I look in the index and, if you "
    "allow it, on the web, and answer with numbered sources. You can ask on: “and in winter?”"
)
STATEMENT = Message("Noted. What would you like to know about it?")
NOTHING_ASKED = Message("Nothing yet: this conversation begins here.")
NO_VALUE = Message("This sum has no value that I can write down.")

MAX_SMALL_TALK_CHARACTERS = 120
"""Characters; what is longer says something that may be looked up (nods may repeat)."""

_NOD = (
    r"(?:no (?:problem|worries)|(?:nice|pleased|good) to (?:meet|see) you|hi|hello|hey"
    r"|thanks|thank you|thx|ty|ok|okay|yes|no|sure|bye|goodbye|great|nice|cool"
    r"|got it|i see|perfect|awesome|understood|that helps|(?:that |it )?makes sense|good to know"
    r"|a?(?:ha){2,8}h?|he(?:he)+|lo+l|wow|sorry|my bad|oops|what'?s up"
    r"|yep|yup|nope|nah|oh|interesting|well done|you'?re welcome|welcome back|long time no see"
    r"|have a (?:nice|good|great|lovely) (?:day|one|evening|weekend|time)"
    r"|how are you(?: doing)?(?: today)?|how'?s it going"
    r"|(?:you'?re|you are) (?:so |very |really )?(?:great|awesome|amazing|helpful|the best)"
    r"|cheers|much appreciated|very helpful|that'?s (?:all|clear|great|helpful)"
    r"|alright|never ?mind|good (?:morning|afternoon|evening|night|bye|job))\b"
    r"|早(?=[\W_]|$)|没关系|祝[你您](?:愉快|好运|开心|顺利|一切顺利)|很?高兴(?:认识|见到)[你您]|好久不见"
    r"|[你您](?:最近)?(?:好吗|还好吗|怎么样)|对不起|不好意思|抱歉|你好|您好|大家好|嗨|哈喽|早上好|上午好|中午好|下午好|晚上好|早安|晚安"
    r"|非常感谢|感谢|多谢|谢谢|谢了|辛苦了|再见|拜拜|不客气|没事|好的|好了|好|行|嗯|哦|噢|对|是的|不用"
    r"|哈{2,8}|嘿{2,8}|呵{2,8}|哇"
    r"|[你您](?:真|太|好|很)(?:棒|厉害|聪明|好)了?|今天心情(?:不错|很好|真好|不好)"
    r"|明白|知道了|了解|懂了|收到|太好了|太棒了|真棒|厉害|原来如此|非常有帮助|没有了|学到了|受教了|清楚了|没问题|好嘞|好吧|ok"
)
_AFTER_NOD = (
    r"(?:very much|so much|a lot|again|there"
    r"|for (?:the|your) (?:help|answer|info|information|explanation))\b"
    r"|[你您]的(?:回答|解答|帮助|讲解)|[你您啊呀啦哈呢了]"
)
_NODS = re.compile(  # possessive: a long line of nods must not be tried in every way
    rf"(?>{_NOD})(?:[\W_]*+(?>{_NOD}|{_AFTER_NOD}))*+[\W_]*+", re.IGNORECASE
)
_OPENING = re.compile(
    r"^(?:(?:hi|hello|hey|ok|okay|thanks|thank you|please|so|well|你好|您好|嗨|谢谢|好的|请问|请)"
    r"(?:\s+there)?(?:[\s,，.。!！、:：]+|(?<=[你您嗨谢的问请好])))*",
    re.IGNORECASE,
)
_CLOSING = re.compile(
    r"(?:[\s,，]*(?:please|then|呢|呀|啊|吧|哦))?[\s?？.。!！~～]*$", re.IGNORECASE
)
_IDENTITY = re.compile(
    r"(?:who|what)(?: exactly)? are you(?: exactly| called)?"
    r"|what(?:'s| is) your (?:name|job|purpose)(?: again)?"
    r"|what (?:can|do) you do(?: for me)?|what are you (?:able|capable) (?:to do|of doing)"
    r"|what are your (?:capabilities|features)|what (?:ai |language )?model are you"
    r"|are you (?:an? )?(?:real(?: person)?|human|person|robot|bot|machine|ai|chat ?bot"
    r"|chatgpt|gpt|llm)"
    r"|who (?:made|built|created|wrote|developed) you|(?:tell me|say something) about yourself"
    r"|(?:introduce|describe) yourself|how can you help(?: me)?|do you have a name"
    r"|你(?:是|到底是|究竟是)(?:谁|什么|什么人|什么东西|什么模型|哪个模型|什么ai|干什么的|做什么的|干嘛的)"
    r"|您是(?:谁|哪位)|你叫(?:什么|什么名字|啥)|你的名字(?:是什么|叫什么)|你有名字吗"
    r"|你(?:能|会|可以|都能|都会)(?:做|干|帮我做|帮我干|帮我)?(?:什么|些什么|哪些事情?|啥|嘛)|你会干嘛|你能干嘛"
    r"|你有(?:什么|哪些)(?:功能|本领|用处|用|能力)|你是(?:机器人|人|真人|人类|人工智能|ai|chatgpt|gpt)吗"
    r"|(?:是)?谁(?:开发|创造|制造|做|写|设计)(?:了|出)?(?:的)?你(?:的)?|你是谁(?:开发|创造|做|写)的"
    r"|(?:做个|来个)?自我介绍(?:一下)?|介绍(?:一下|下)?你?自己|(?:简单)?介绍一下你",
    re.IGNORECASE,
)
_LANGUAGES = (
    "english|chinese|mandarin|cantonese|german|french|spanish|italian|portuguese|russian|japanese"
    "|korean|arabic|hindi|urdu|bengali|dutch|swedish|danish|norwegian|finnish|polish|czech|greek"
    "|turkish|hebrew|persian|thai|vietnamese|indonesian|malay|ukrainian|hungarian|romanian|latin"
)
_LANGUAGES_ZH = (
    "(?:[英中汉国日法德俄韩葡意泰越粤外]|西班牙|葡萄牙|意大利|阿拉伯|荷兰|希腊|土耳其|波兰|瑞典|印地|拉丁"
    "|越南|印尼|马来)[语文]|(?:普通|广东|上海|四川|客家|闽南|中国|英国|日本|法国|德国|韩国)话"
    "|(?:其他|别的|其它)语言"
)
_HELP = re.compile(
    rf"(?:can|do) you (?:speak|understand|answer in|talk) (?:any )?(?:{_LANGUAGES}|other languages)"
    rf"|[你您](?:会|能|懂)(?:不(?:会|能|懂))?(?:说|讲|用|听)?(?:{_LANGUAGES_ZH})(?:吗|回答吗)?"
    r"|help(?: me)?|i need help|can you help(?: me)?|how (?:do|can|should) i (?:use|work with) "
    r"(?:this|you|it|the assistant|this (?:app|tool|assistant|program|page))"
    r"|how does (?:this|this (?:app|tool|assistant|program|page)|it all) work|how do you work"
    r"|what (?:can|should|may) i ask(?: you| here)?|what (?:questions )?can i ask(?: you)?"
    r"|how to use (?:this|you|this (?:app|tool|assistant|program))"
    r"|帮助|帮帮我|救命|(?:我)?需要帮助|使用(?:说明|方法|帮助)|怎么(?:使?用)(?:你|这个|它|这个(?:工具|程序|助手|软件|网页))?"
    r"|(?:这个|本)?(?:工具|程序|助手|软件)?(?:该)?(?:怎么|如何)(?:使?用)(?:你|这个(?:工具|程序|助手|软件)?)"
    r"|这个(?:工具|程序|助手|软件)?(?:该)?(?:怎么|如何)(?:使?用)|你(?:怎么|如何)(?:使?用)"
    r"|(?:我)?(?:能|可以)问(?:你)?(?:什么|哪些问题|些什么|什么问题)",
    re.IGNORECASE,
)
_DATE = re.compile(
    r"(?:do you know )?what(?:'s| is)? ?(?:the )?(?:date|day|day of the week|weekday)"
    r"(?: is it)?(?: is)?(?: (?P<en>today|tomorrow|yesterday|now))?(?:'s date)?"
    r"|what(?:'s| is) (?P<en2>today|tomorrow|yesterday)(?:'s (?:date|day))?"
    r"|(?:what|which) (?:year|month) is it(?: now)?"
    r"|(?P<zh>今天|明天|昨天|后天|前天|现在)?(?:是|的日期是|是什么日期|的日期)?(?:星期几|礼拜几|周几|几号|几月几[号日]|多少号|什么日子|哪一天|什么日期)"
    r"|(?P<zh2>今天)的?日期(?:是什么|是多少)?|(?:今年|现在)是(?:哪一?年|几几年|多少年|几月)",
    re.IGNORECASE,
)
_TIME = re.compile(
    r"(?:do you know |can you tell me )?what(?:'s| is)? (?:the )?(?:current )?time(?: is it)?"
    r"(?: right)?(?: now)?|what time is it(?: right)?(?: now)?"
    r"|(?:现在|此刻)?(?:是)?(?:几点(?:钟)?(?:了)?|什么时间(?:了)?|什么时候了)|现在的?时间(?:是多少|是几点)?",
    re.IGNORECASE,
)
_DAYS = {"tomorrow": 1, "yesterday": -1, "明天": 1, "昨天": -1, "后天": 2, "前天": -2}
_WEEKDAYS = "一二三四五六日"
_STATEMENT = re.compile(
    # Case counts: "I Love Lucy" is a title.
    r"I (?:really |do |also )?(?:like|love|hate|enjoy|prefer|dislike) [a-z].*"
    r"|I(?:'m| am) (?:so |very |a bit |really )?"
    r"(?:happy|sad|tired|bored|hungry|fine|back|here|glad|cold)\b.*"
    r"|[Mm]y name is \w+.*|(?:[Tt]hat|[Tt]his|[Ii]t)(?:'s| is| was) (?:so |very |really |quite )?"
    r"(?:interesting|good|great|nice|helpful|funny|cool|useful|amazing|clear|right|wrong)"
    r"|我(?:叫|的名字(?:叫|是)).+|我(?:也|很|真|非常|最|不)*(?:喜欢|讨厌|爱[吃喝看听玩]).+"
    r"|我(?:很|真|好|有点|不)*(?:开心|高兴|难过|累|困|饿|无聊|冷)了?|今天(?:的)?天气(?:真|很|不错|好).*"
    r"|(?:这|那)?(?:真|很|太|挺)(?:有趣|有意思|好玩|有用|有帮助|清楚)(?:了)?"
)
_ASKS = re.compile(
    r"[?？]|\b(?:what|which|who|whose|where|when|why|how|can|could|should|recommend|suggest|tell|need"
    r"|want|but|find|show|explain)\b|什么|怎|哪|谁|吗|呢|为何|如何|多少|几|是否|能不能|推荐|告诉|想知道|请|求|但",
    re.IGNORECASE,
)

_RECAP = re.compile(
    r"what (?:did|have|were) (?:we|i) (?:just )?(?:been )?(?:talk|talked|talking|discuss|discussed"
    r"|discussing|ask|asked|asking|chat|chatted)(?: about)?"
    r"(?: so far| before| earlier| just now| you)*"
    r"|what (?:was|were) my (?:last|previous|first|earlier) questions?"
    r"|what was (?:this|our) conversation about"
    r"|(?:list|show)(?: me)? (?:all )?(?:my|our) questions"
    r"|(?:recap|summari[sz]e) (?:this|our) (?:conversation|chat)"
    r"|(?:(?:我们|咱们|我)(?:刚才|刚刚|之前|前面|到现在)?|刚才|刚刚)(?:都)?(?:在)?(?:聊|谈|说|讨论|问)(?:了|过|的)?(?:是)?"
    r"(?:些)?(?:什么|哪些)(?:问题|话题|内容)?(?:了|来着)?"
    r"|我(?:的)?(?:上一个|上个|前一个|第一个)(?:问题)?(?:问)?(?:的)?(?:是)?什么(?:问题)?",
    re.IGNORECASE,
)
MAX_RECALLED_QUESTIONS = 10
"""Questions that are listed; the conversation shows the others."""


def is_small_talk(question: str) -> bool:
    """Return whether this is a greeting, thanks or a nod, in which there is nothing to look up."""
    return _NODS.fullmatch(question.strip()) is not None


def asks_for_recap(question: str) -> bool:
    """Return whether a reader asks what this conversation was about."""
    line = " ".join(question.replace("’", "'").split())
    return _RECAP.fullmatch(_CLOSING.sub("", _OPENING.sub("", line))) is not None


def small_talk_answer(text: str, *, now: datetime, earlier: Sequence[str] = ()) -> Message | None:
    """Return the answer to what is no question to the pages; None for a question to them.

    Args:
        text: What the person said.
        now: Their local time, with its zone, for "what day is it today?".
        earlier: Their questions before, for "what did we talk about?".
    """
    if is_small_talk(text):
        return SMALL_TALK
    if len(text) > MAX_SMALL_TALK_CHARACTERS:
        return None
    line = " ".join(text.replace("’", "'").split())
    bare = _CLOSING.sub("", _OPENING.sub("", line))
    if not bare:
        return None
    for pattern, answer in ((_IDENTITY, IDENTITY), (_HELP, HELP)):
        if pattern.fullmatch(bare):
            return answer
    if asks_for_recap(text):
        recent = [
            f"- {' '.join(question.split())[:MAX_SMALL_TALK_CHARACTERS]}"
            for question in earlier[-MAX_RECALLED_QUESTIONS:]
        ]
        recap = Message("You asked:\n\n{questions}", questions="\n".join(recent))
        return recap if recent else NOTHING_ASKED
    if clock := _clock_answer(bare, now):
        return clock
    if written := parse_sum(line):
        return _sum_answer(written)
    if _STATEMENT.fullmatch(bare) and not _ASKS.search(line):
        return STATEMENT
    return None


def _clock_answer(bare: str, now: datetime) -> Message | None:
    if _TIME.fullmatch(bare):
        zone = now.tzname() or "UTC"
        return Message.bilingual(f"It is {now:%H:%M} ({zone}).", f"现在是{now:%H:%M}（{zone}）。")
    day = _DATE.fullmatch(bare)
    # "What day" alone asks for no day.
    if day and bare.casefold() not in {"what date", "what day", "what the date"}:
        named = (day["en"] or day["en2"] or day["zh"] or day["zh2"] or "").casefold()
        then = now + timedelta(days=_DAYS.get(named, 0))
        # English names of days and months whatever the locale is:
        # strftime's names follow the process's locale, which an embedding program may have set.
        weekdays = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
        months = (
            *("January", "February", "March", "April", "May", "June", "July", "August"),
            *("September", "October", "November", "December"),
        )
        en = f"{weekdays[then.weekday()]}, {then.day} {months[then.month - 1]} {then.year}."
        zh = f"{then.year}年{then.month}月{then.day}日，星期{_WEEKDAYS[then.weekday()]}。"
        prefix = {1: ("Tomorrow is", "明天是"), -1: ("Yesterday was", "昨天是")}
        prefix |= {2: ("The day after tomorrow is", "后天是"), -2: ("Two days ago was", "前天是")}
        before = prefix.get(_DAYS.get(named, 0), ("Today is", "今天是"))
        return Message.bilingual(f"{before[0]} {en}", f"{before[1]}{zh}")
    return None


def _sum_answer(written: str) -> Message:
    try:
        value = compute_sum(written)
    except SumError:
        return NO_VALUE
    joined = value if value.startswith("≈") else f"= {value}"
    return Message.verbatim(f"{written.replace('**', '^')} {joined}")
