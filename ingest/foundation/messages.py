"""One sentence in the two languages that we speak."""

import errno
from dataclasses import dataclass
from typing import Literal

Language = Literal["zh", "en"]


@dataclass(frozen=True, slots=True)
class Wording:
    """The same sentence in English and in Chinese, written side by side so that both stay true."""

    en: str
    zh: str

    def to(self, language: Language) -> str:
        """Return the sentence in `language`."""
        return self.zh if language == "zh" else self.en

    def __str__(self) -> str:
        return self.en


SILENCE = Wording("", "")

_SYSTEM_WORDS = {
    errno.ENOENT: "没有这个文件或文件夹",
    errno.EACCES: "没有权限",
    errno.EPERM: "不允许这样操作",
    errno.EISDIR: "这是一个文件夹",
    errno.ENOTDIR: "路径中有一段不是文件夹",
    errno.ENOSPC: "磁盘空间不足",
    errno.EROFS: "所在的磁盘是只读的",
    errno.EADDRINUSE: "端口已被占用",
    errno.EADDRNOTAVAIL: "本机没有这个地址",
}
"""What the operating system says most often, in Chinese; it speaks English whatever we do."""


def system_words(error: OSError) -> Wording:
    """Return why the operating system refused, in its own words where we have none."""
    en = error.strerror or type(error).__name__
    return Wording(en, _SYSTEM_WORDS.get(error.errno or 0, en))
