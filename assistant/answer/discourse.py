"""Words that steer a conversation and are no content: "by the way", "换个话题", "go on".

They are taken off before a question is looked at, so that they reach no search engine.
"""

import re
from dataclasses import dataclass

_CHANGE = re.compile(
    r"^(?:(?:ok(?:ay)?|now|so|well|and|let's|let us|let me|好|好的|那|我们|咱们|现在)[\s,，]*)*"
    r"(?:(?:for )?something (?:else|different|new)|(?:an?)?\s*(?:ask )?(?:a )?(?:completely "
    r"|totally )?"
    r"(?:different|another|new|unrelated|separate|other|next) (?:question|topic|subject"
    r"|matter|thing)"
    r"|(?:change|changing|switch|switching) (?:the )?(?:topics?|subjects?)|on (?:a|an)(?:other|"
    r" different| unrelated) (?:note|topic|subject)|moving on"
    r"|换(?:一?个|下)(?:话题|问题|主题)|换话题|(?:另|另外)一?个(?:话题|问题)|说点(?:儿)?别的"
    r"|问(?:你)?(?:一?个|点)?(?:别的|其他的?|另外的?)(?:问题|事)?|下一个问题|新(?:的)?(?:问题"
    r"|话题))"
    r"(?:[\s:：,，.。!！;；—-]+|$)",
    re.IGNORECASE,
)
_ASIDE = re.compile(
    r"^(?:(?:by the way|btw|anyway|anyways|incidentally|one more (?:thing|question)|actually"
    r"|another thing|just curious|quick question|i(?:'m| am) curious|i see|got it"
    r"|ok(?:ay)?|thanks(?! to\b)|thank you(?! to\b)"
    # Not the Great Wall, Hello Kitty and a hi-fi.
    r"|(?:great|hello|hi|hey)(?=[:：,，.。!！;；]|\s+(?:what|how|who|when|where|why|which|and|can|could"
    r"|is|are|do|does|i)\b)|well|please|hmm?)[\s:：,，.。!！;；—-]+"
    r"|(?:顺便(?:再)?(?:问(?:一下|一句|下)?|说(?:一下|一句)?)?|对了|话说(?:回来)?"
    r"|我?想(?:再)?问(?:一下|下|问)"
    r"|再问(?:一下|一句|个问题)|我还想(?:问|知道)|(?:好的|谢谢|你好|您好|嗯|明白了"
    r"|知道了)(?=[，,。！!\s])|请问)"
    r"[\s:：,，.。!！;；]*)+",
    re.IGNORECASE,
)
_CORRECTION = re.compile(
    r"^(?:(?:no|not that|wrong|sorry|不对|不是(?:的|这个)?|错了|不"
    r"|我不是问这个)[\s,，.。!！;；:：]+)?"
    r"(?:i (?:mean|meant|was asking about|am asking about|asked about)"
    r"|我(?:问|说|指|想问|要问|想知道|想要)的是|我是(?:说|问|指))[\s:：,，]*",
    re.IGNORECASE,
)
_CONTINUE = re.compile(
    r"(?:please |then )?(?:continue|go on|keep going|carry on|go ahead|proceed|more|resume"
    r"|and then)"
    r"(?: please)?|(?:请|你)?(?:继续|接着|往下|再继续)(?:说|讲|回答|写|往下说|说下去"
    r"|讲下去)?(?:下去)?(?:吧|呀|啊)?"
    r"|说下去|讲下去|然后呢|接下来呢|后来呢",
    re.IGNORECASE,
)
_EXAMPLE = re.compile(r"\bexamples?\b|例子|举例|实例", re.IGNORECASE)
_COMMAND = re.compile(
    r"(?:(?:can|could|would|will) you (?:please )?|please )?"
    r"(?:(?:give|show|tell) (?:me |us )?(?:(?:an?|another|some|one|a few|any|the|more|further"
    r"|a bit) )*"
    r"(?:(?:concrete |simple |specific )?examples?|more|details?|summary|information|info|about it)"
    r"|(?:more|further|some|any|other) (?:details?|examples?|information|info)|for (?:example"
    r"|instance)"
    r"|(?:an?|another) example|say more|elaborate|explain|clarify|expand|summari[sz]e"
    r"|translate|rephrase"
    r"|repeat|shorten|simplify|be (?:more )?(?:specific|brief|concise|precise)|(?:in )?more detail"
    r"|(?:in )?(?:simpler|simple|other|plain) (?:words|terms|language|english)|(?:make|say|put) "
    r"(?:it|that|this) (?:simpler|shorter|again|simply))"
    r"(?: (?:more|further|it|that|this|these|them|the (?:above|answer|text|last point)|in|on"
    r"|with|an?|of"
    r"|for me|to me|again|please|briefly|simply|detail|simple|simpler|other|plain|terms|words"
    r"|english"
    r"|one sentence|bullet points|short|example|examples|sentence|sentences))*"
    r"|(?:请|能不能|能|可以|可否|麻烦|帮我|你)*(?:再)?(?:给我?|举|来|说)?(?:一?个|几个"
    r"|一些)?(?:具体的?|简单的?)?(?:例子|例)"
    r"(?:说明)?(?:一下)?(?:吗|吧)?"
    r"|(?:请|能不能|能|可以|可否|麻烦|帮我|你)*(?:再)?(?:详细|具体|简单|简短|通俗|仔细"
    r"|更)?(?:地|点|一点)?"
    r"(?:说|讲|解释|介绍|总结|概括|归纳|说明|展开|翻译|重复)(?:得|的)?(?:再)?(?:更)?(?:详细"
    r"|具体|简单|通俗|清楚|短)?"
    r"(?:说说|讲讲|说|讲|一下|一点|些|点|一遍)*(?:上面|上述|以上|前面|刚才)?(?:的)?(?:内容"
    r"|回答|话)?(?:吗|吧)?"
    r"|(?:in|answer in|say it in) (?:english|chinese|german|french|spanish|japanese)(?:,? please)?"
    r"|(?:请|能不能|能|可以)?用(?:中文|英文|英语|汉语|日语|法语|德语)(?:再)?(?:回答|说|讲|解释|写)(?:一遍|一下|一次)?(?:吗|吧)?"
    r"|(?:请)?(?:再|更)?(?:详细|具体|简单|通俗)(?:点|一点|些|来说|说来)|(?:还有吗|还有呢|还有什么|比如|例如"
    r"|比如说|举例说明|换句话说|具体呢)",
    re.IGNORECASE,
)
_TAIL = re.compile(r"[\s?？.。!！~～…]+$")


@dataclass(frozen=True, slots=True, kw_only=True)
class SteeredQuestion:
    """A question without the words that steer the conversation, and what they said."""

    text: str
    changes_topic: bool = False
    corrects: bool = False
    continues: bool = False
    command: str | None = None
    """What a command such as "give me an example" adds to the question before; "" for nothing."""


def read_steering(question: str) -> SteeredQuestion:
    """Return the question without discourse words; `text` is empty if there was nothing else."""
    text = question.strip()
    changes = _CHANGE.match(text)
    if changes:
        text = text[changes.end() :]
    aside = _ASIDE.match(text)
    if aside:
        text = text[aside.end() :]
    # "By the way, another question: …": once more, behind the aside.
    if not changes and (changes := _CHANGE.match(text)):
        text = text[changes.end() :]
    bare = _TAIL.sub("", text)
    if _CONTINUE.fullmatch(bare):
        return SteeredQuestion(text=text, continues=True)
    if _COMMAND.fullmatch(bare):
        example = _EXAMPLE.search(bare)
        return SteeredQuestion(text=text, command=example.group() if example else "")
    corrects = _CORRECTION.match(text)
    if corrects:
        text = text[corrects.end() :]
    return SteeredQuestion(text=text, changes_topic=bool(changes), corrects=bool(corrects))
