"""Sentences are supported by what a passage says, in whatever words, and by nothing else."""

import pytest

from assistant.answer.verification import SentenceVerifier
from bench import verdicts
from tests.evidence_samples import passages
from tests.verdict_samples import verdict


@pytest.mark.parametrize(
    ("passage", "sentence"),
    [
        ("Drones may fly over the old town.", "Drones may not fly over the old town."),
        ("Drones may not fly over the old town.", "Drones may fly over the old town."),
        ("Pilots must register each drone.", "Pilots need not register each drone."),
        ("Pilots must register each drone.", "Pilots never register each drone."),
        ("Flights at night are allowed here.", "Flights at night are forbidden here."),
        ("Prices in the city increased last year.", "Prices in the city decreased last year."),
        ("The museum opens before the concert.", "The museum opens after the concert."),
        ("The old bridge in town is safe.", "The old bridge in town is unsafe."),
        ("无人机可以在市区上空飞行。", "无人机不可以在市区上空飞行。"),
        ("无人机禁止在市区上空飞行。", "无人机可以在市区上空飞行。"),
        ("去年城市人口有所增加。", "去年城市人口有所减少。"),
        ("登记的有效期为三年以上。", "登记的有效期为三年以下。"),
        ("他并非这座城市的市长。", "他是这座城市的市长。"),
    ],
)
def test_polarity_counts(passage: str, sentence: str) -> None:
    assert verdict(passage, passage).kind == "supported"
    found = verdict(passage, sentence)
    assert (found.kind, found.reasons[0]) == ("unsupported", "polarity")


@pytest.mark.parametrize(
    ("passage", "sentence", "reason"),
    [
        (
            "In 1846 Galle discovered Neptune at last.",
            "In 1846 Newton discovered Neptune at last.",
            "name",
        ),
        (
            "Last night Arsenal beat Chelsea easily.",
            "Last night Chelsea beat Arsenal easily.",
            "order",
        ),
        (
            "The king sent Cole from London to Paris.",
            "The king sent Cole from Paris to London.",
            "order",
        ),
        (
            "1705年，弗吉尼亚议会归化了马纳金镇的居民。",
            "1705年，马纳金镇议会归化了弗吉尼亚的居民。",
            "order",
        ),
        (
            "这座跨越河流的石桥是由哈德良皇帝在位时下令建造的。",
            "这座跨越河流的石桥是由亚历山大皇帝在位时下令建造的。",
            "name",
        ),
    ],
)
def test_names_and_their_order_count(passage: str, sentence: str, reason: str) -> None:
    assert verdict(passage, passage).kind == "supported"
    found = verdict(passage, sentence)
    assert (found.kind, found.reasons[0]) == ("unsupported", reason)


@pytest.mark.parametrize(
    ("passage", "sentence"),
    [
        (
            "In 1901, the Italian engineer Marconi sent a signal across the Atlantic from Poldhu.",
            "Marconi sent a signal across the Atlantic in 1901.",
        ),
        ("Alice and Bob built the old mill.", "Bob and Alice built the old mill."),
        (
            "Drones under 250 g, which are not registered, may fly in parks.",
            "Drones under 250 g may fly in parks.",
        ),
        (
            "Marie Curie was born in Warsaw. She moved to Paris in 1891.",
            "Marie Curie moved to Paris in 1891.",
        ),
        (
            "The club has 30 members. The fee is 12 euros a year.",
            "The club has 30 members and the fee is 12 euros a year.",
        ),
        (
            "The limit is 120 metres above the ground.",
            "According to the passages, the limit is 120 m.",
        ),
        (
            "The limit is 120 metres above the ground.",
            "**The limit** is 120 metres above the `ground`.",
        ),
        ("无人机夜间飞行必须开启灯光，真高不得超过120米。", "无人机真高不得超过120米。"),
        ("无人机夜间飞行必须开启灯光。", "根据资料，无人机夜间飞行必须打开灯光。"),
    ],
)
def test_what_says_less_or_in_another_order_is_supported(passage: str, sentence: str) -> None:
    assert verdict(passage, sentence).kind == "supported"


def test_the_title_of_a_page_is_what_its_sentences_speak_of() -> None:
    verifier = SentenceVerifier(passages("Its body weighs 249 g in all.", title="Mini 4 Pro"))
    assert verifier.check("The Mini 4 Pro weighs 249 g.").kind == "supported"


@pytest.mark.parametrize(
    "sentence",
    [
        "Hello!",
        "Sure, here is the answer:",
        "# Drones need a white light at night",
        "**White lights**",
        "What is a white light?",
        "Yes.",
        "|---|---|",
        "The passages do not say what colour the light has.",
        "There is no information about the colour of the light.",
        "资料中没有提到灯光的颜色。",
        "The notes do not mention the price of the light.",
        "笔记中没有提到灯光的价格。",
        "希望对你有帮助！",
    ],
)
def test_what_states_nothing_gets_no_verdict(sentence: str) -> None:
    assert verdict("Drones need a white light at night.", sentence).kind == "no_claim"


@pytest.mark.parametrize(
    "sentence",
    [
        "The documents must not contain any errors in the form.",
        "Sources of energy that are not renewable include coal and gas.",
        "The information office does not open on Sundays in May.",
    ],
)
def test_a_sentence_about_documents_is_a_claim_all_the_same(sentence: str) -> None:
    assert verdict(sentence, sentence).kind == "supported"


def test_the_verdict_names_the_sentence_that_supports() -> None:
    texts = ("Birds sing.", "Birds sing. Drones need a white light at night. Birds sing.")
    found = SentenceVerifier(passages(*texts)).check("Drones need a white light at night.")
    assert found.passage == 2
    assert texts[1][found.start : found.end] == "Drones need a white light at night."


def test_the_passage_cited_is_preferred_and_a_wrong_one_replaced() -> None:
    said = "Drones need a white light at night."
    verifier = SentenceVerifier(passages(said, said, "Birds sing in the morning."))
    assert verifier.check(said).passage == 1
    assert verifier.check(said, (2,)).passage == 2
    wrong = verifier.check(said, (3,))
    assert (wrong.kind, wrong.passage, wrong.reasons) == ("re_attached", 1, ("passage",))
    assert verifier.check(said, (9,)).kind == "re_attached"


def test_a_near_copy_that_contradicts_outweighs_what_has_most_of_the_words() -> None:
    text = (
        "The town of Ashby has 12,345 registered drone pilots. "
        "The town of Derby has 12,354 registered drone pilots."
    )
    verifier = SentenceVerifier(passages(text))
    assert (
        verifier.check("The town of Ashby has 12,345 registered drone pilots.").kind == "supported"
    )
    assert (
        verifier.check("The town of Ashby has 12,354 registered drone pilots.").kind
        == "unsupported"
    )


def test_words_of_another_language_cannot_be_compared_but_figures_can() -> None:
    verifier = SentenceVerifier(passages("The limit is 120 metres above the ground."))
    assert verifier.check("飞行高度的上限是120米。").kind == "unchecked"
    assert verifier.check("飞行高度的上限是130米。").kind == "unsupported"


def test_a_page_of_the_own_language_on_the_same_matter_is_compared_first() -> None:
    notice = "因管网改造，7号楼、8号楼将于6月3日停水。儿童免费，成人票价30元。"
    verifier = SentenceVerifier(passages(notice, "It takes 20 litres. See section 9."))
    # The bare number stands on an English page on something else.
    assert verifier.check("儿童票价格为20元。").kind == "unsupported"
    assert verifier.check("9号楼会停水。").kind == "unsupported"
    assert verifier.check("成人票价30元。").kind == "supported"


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "\u200b\u200d",
        "\ud83d\ude00" * 50,
        "x" * 100_000,
        "1" * 5_000,
        *("1" * 5_000 + tail for tail in ("年", "万", " million", " and a half", "½")),
        "不" * 3_000,
        "- " * 999,
        *(
            "\ue000\ue001\ue002 1",
            "½" * 40,
            "IX " * 99,
            "a\u0301\u0302" * 99,
            "İ 5 ﬃ 3 km",
            "\u202eabc\u202c 5",
            "\ue0015\ue002 7",
        ),
    ],
)
def test_odd_text_is_read_without_harm(text: str) -> None:
    verifier = SentenceVerifier(passages(text, "Drones need 3 white lights at night. " * 3))
    assert verifier.check(text).kind in ("no_claim", "supported", "unsupported")
    assert verifier.check("Drones need 3 white lights at night.").passage == 2


@pytest.mark.parametrize("reply", ["5", "5%", "5 km", "every day", "不", "👍"])
@pytest.mark.parametrize("question", ["", "May drones fly every day?", "每天都可以飞吗？"])
@pytest.mark.parametrize("passage", ["* * *", "😀", "…", "---", "| - |", "👍 5"])
def test_a_passage_without_a_word_is_compared_without_harm(
    passage: str, question: str, reply: str
) -> None:
    verifier = SentenceVerifier(passages(passage), question=question)
    assert verifier.check(reply, [1]).kind in ("no_claim", "supported", "unsupported")


def test_without_passages_nothing_is_supported() -> None:
    assert SentenceVerifier([]).check("Drones need a white light at night.").kind == "unsupported"


@pytest.mark.parametrize(
    ("passage", "same", "other"),
    [
        (
            "夜间在城市上空飞行的，应当开启灯光系统。",
            "夜间飞行需要打开灯光。",
            "白天飞行需要打开灯光。",
        ),
        (
            "夜间在城市上空飞行的，应当开启灯光系统。",
            "晚上飞行必须打开灯光。",
            "夜间飞行需要关闭灯光。",
        ),
        ("他1793年搬到兰贝斯。", "他于1793年迁居兰贝斯。", "他于1794年迁居兰贝斯。"),
        (
            "绿茶应该用80度左右的水冲泡。",
            "绿茶需要用大约80度的水泡制。",
            "红茶需要用大约80度的水泡制。",
        ),
        (
            "The museum was founded in 1848 and moved to its present building in 1902.",
            "The museum was set up in 1848 and relocated to its current building in 1902.",
            "The museum was closed in 1848 and relocated to its current building in 1902.",
        ),
        (
            "A drone that flies at night must carry lights.",
            "A drone flown at night has to be equipped with lights.",
            "A drone flown by day has to be equipped with lights.",
        ),
        (
            "Pilots must register every drone.",
            "Pilots are required to register each drone.",
            "Pilots are not required to register each drone.",
        ),
    ],
)
def test_a_fair_paraphrase_is_supported_and_an_unfair_one_is_not(
    passage: str, same: str, other: str
) -> None:
    assert verdict(passage, same).kind == "supported"
    assert verdict(passage, other).kind == "unsupported"


TABLE = """# 手册

| 型号 | 重量 | 功率 |
| --- | --- | --- |
| 银杏30 | 5.1千克 | 30瓦 |
| 银杏40 | 6.2千克 | 45瓦 |
| 银杏50 | 7.3千克 | 60瓦 |
| 玉兰20 | 4.4千克 | 20瓦 |

银杏30 的保修期为9年。"""

STEPS = """使用前应完成以下步骤：

- 检查电源线
- 打开绿色开关
- 等待15分钟

保修期为9年。"""


@pytest.mark.parametrize(
    ("passage", "sentence", "kind"),
    [
        (TABLE, "银杏30的重量是5.1千克。", "supported"),
        (TABLE, "银杏50的功率是60瓦。", "supported"),
        (TABLE, "玉兰20的重量是4.4千克。", "supported"),
        (TABLE, "银杏40的重量是5.1千克。", "unsupported"),
        (TABLE, "银杏50的功率是45瓦。", "unsupported"),
        (TABLE, "玉兰20的重量是7.3千克。", "unsupported"),
        (STEPS, "使用前应完成以下步骤：检查电源线；打开绿色开关；等待15分钟。", "supported"),
        (STEPS, "使用前应检查电源线，打开绿色开关，等待15分钟。", "supported"),
        (STEPS, "使用前应检查电源线，打开红色开关，等待15分钟。", "unsupported"),
        (STEPS, "使用前应检查电源线，打开绿色开关，等待25分钟。", "unsupported"),
    ],
)
def test_each_row_of_a_table_and_a_whole_list_are_looked_at(
    passage: str, sentence: str, kind: str
) -> None:
    assert verdict(passage, sentence).kind == kind


@pytest.mark.parametrize("language", ["en", "zh"])
def test_paraphrases_of_real_pages_are_judged_above_the_floors_that_a_no_op_falls_below(
    language: str,
) -> None:
    chosen = ["--floor", "--set", f"paraphrases.{language}"]
    assert verdicts.main([*chosen, "--most-ms", "1000"]) == 0
    assert verdicts.main([*chosen, "--no-op"]) == 1
