"""The language of a text, and the one to speak."""

import pytest

from ingest.text.language import choose_language, cjk_share, language_of


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("无人机夜间飞行需要什么条件?", "zh"),
        ("DJI Mini 4 Pro 多重?", "zh"),
        ("What is RFC 9309?", "en"),
        ("Who is 李白?", "en"),
        ("", "en"),
    ],
)
def test_language_of_a_question(text: str, language: str) -> None:
    assert language_of(text) == language


def test_share_of_cjk_letters() -> None:
    assert cjk_share("无人 ab") == 0.5
    assert cjk_share("123") == 0
    # No letters to Python: a middle dot, and an ideograph that is newer than its tables.
    assert cjk_share("・") == 1
    assert cjk_share("\U0002ebe1") == 1


@pytest.mark.parametrize(
    ("chosen", "text", "locale", "language"),
    [
        ("zh", "English text", "en_US.UTF-8", "zh"),
        ("auto", "中文问题", "en_US.UTF-8", "zh"),
        (None, "", "zh_CN.UTF-8", "zh"),
        (None, "", "C.UTF-8", "en"),
    ],
)
def test_language_is_the_one_chosen_or_the_texts_or_the_locales(
    chosen: str | None, text: str, locale: str, language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_ALL", locale)
    assert choose_language(chosen, text) == language
