"""What is in another's place: kinds, first and last, agents, dates, names, parts, denials."""

from datetime import UTC, datetime

import pytest

from assistant.answer.verification import SentenceVerifier
from assistant.values import Passage

CASES = [
    ("She dropped out in Berlin with a calf injury.", "calf", "knee"),
    ("Tell your doctor if you have kidney problems.", "kidney", "liver"),
    ("The bridge was destroyed by a flood in 1909.", "flood", "fire"),
    ("劳动者提前三十日以书面形式通知公司。", "书面", "口头"),
    ("倒入热水没过肉块，大火烧开。", "热水", "冷水"),
    ("It must not be used in the first three months of pregnancy.", "first", "last"),
    ("Shops could lose customers, he said.", "could", "will"),
    ("Shares lost 6 percent on Thursday.", "lost", "gained"),
    ("Stir in the spinach at the end of cooking.", "end", "beginning"),
    ("家长可自愿申请延时托管。", "可自愿", "必须"),
    ("海宁女排时隔七年再次夺冠。", "时隔七年再次", "首次"),
    ("局长周敏表示，此举有助于健康。", "周敏", "周丽"),
    ("该塔由知府赵文海主持修建。", "赵文海", "赵海文"),
    ("该塔始建于明万历二十三年。", "明", "清"),
    ("孕妇禁用，儿童减量服用。", "孕妇禁用", "孕妇可以使用"),
    ("The deposit must not exceed two months' rent.", "must not exceed", "must be at least"),
]
OF_OTHERS = [
    (
        "Python 3.11 is faster than its predecessor 3.10. It was released in October 2022.",
        "Python 3.11 was released in October 2022.",
        "Python 3.10 was released in October 2022.",
    ),
    (
        "The men's race was won by Daniel Bekele in 2:06:40. Yui Tanaka finished third.",
        "Daniel Bekele won the men's race in 2:06:40.",
        "Yui Tanaka won the men's race in 2:06:40.",
    ),
    (
        "The bridge was begun in 1871 under Carl Lind and opened to traffic on 14 May 1876.",
        "The bridge was begun in 1871.",
        "The bridge was opened in 1871.",
    ),
    (
        "画册共收画十二幅，其中五幅为补绘，1980年出版。",
        "画册共收画十二幅，其中五幅为补绘。",
        "1980年出版的画册十二幅均为补绘。",
    ),
    (
        "The alarm rang at 1:45.",
        "The alarm rang at 1:45 p.m.",
        "The alarm rang for 1 hour 45 minutes.",
    ),
    ("The alarm rang at 1:45.", "The alarm rang at 1:45.", "The alarm rang for 105 minutes."),
    (
        "If the red light flashes, the tank is empty; if it stays on, the container is full.",
        "If the red light flashes, the tank is empty.",
        "If the red light flashes, the container is full.",
    ),
    (
        "Consent is required, which cannot be refused without good reason.",
        "Consent cannot be refused without good reason.",
        "Consent can be refused without good reason.",
    ),
    ("塔内现存壁画十二幅，其中五幅为清代补绘。", "塔内现存壁画十二幅。", "塔内现存壁画五幅。"),
    (
        "塔内现存壁画十二幅，其中五幅为清代补绘。",
        "其中五幅壁画为清代补绘。",
        "塔内十二幅壁画均为清代补绘。",
    ),
    ("12岁以下儿童禁用，老年人应减量。", "12岁以下儿童禁用。", "老年人禁用。"),
    ("加生抽两勺、老抽半勺。", "加生抽两勺、老抽半勺。", "加老抽两勺、生抽半勺。"),
    ("检查前需禁食8小时，但可以喝水。", "检查前可以喝水。", "检查前不可以喝水。"),
]


def kind(passage: str, sentence: str) -> str:
    page = Passage(
        number=1,
        url="https://one.example/",
        title="",
        text=passage,
        score=1.0,
        fetched_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    return SentenceVerifier([page]).check(sentence).kind


@pytest.mark.parametrize(("passage", "word", "other"), CASES)
def test_a_word_in_the_place_of_another_of_its_kind_is_unsupported(
    passage: str, word: str, other: str
) -> None:
    assert kind(passage, passage) == "supported"
    assert kind(passage, passage.replace(word, other, 1)) == "unsupported"


@pytest.mark.parametrize(("passage", "same", "other"), OF_OTHERS)
def test_what_is_of_another_name_date_part_or_denial_is_unsupported(
    passage: str, same: str, other: str
) -> None:
    assert kind(passage, same) == "supported"
    assert kind(passage, other) == "unsupported"


@pytest.mark.parametrize(
    ("passage", "same"),
    [
        ("Emma Falk, a pupil of Lind, completed the bridge.", "Emma Falk completed the bridge."),
        ("Alice hired Bob, who hired Carol.", "Bob hired Carol."),
        (
            "Flight BA117 leaves London and arrives in York at 11:20.",
            "BA117 arrives in York at 11:20.",
        ),
        ("成人一次1片，一日不超过4次，两次用药应间隔6小时以上。", "两次用药之间至少间隔6小时。"),
        ("成人一次1片，一日不超过4次。", "成人每次1片，每天最多4次。"),
        ("货车限速每小时80公里，载重不超过2.5吨。", "货车时速不得超过80公里。"),
        ("会议休息了二十分钟。", "会议休息了20分钟。"),
        ("公园早六点开园，晚九点半闭园。", "公园晚上9点30分闭园。"),
        ("Dr. Emily Chen from Stanford led the study.", "Emily Chen led the study."),
        (
            "The Ministry of Health approved the drug in 2020.",
            "The Ministry approved the drug in 2020.",
        ),
        ("The Bank of England raised rates to 5%.", "The Bank raised rates to 5%."),
        (
            "The race was won by Maria Lopez, who is from Spain.",
            "Maria Lopez of Spain won the race.",
        ),
        ("The box holds pens, paper and glue.", "The box holds glue, paper and pens."),
        (
            "Symptoms include fever, cough, headache and rash.",
            "Symptoms include cough, fever, rash and headache.",
        ),
        (
            "Symptoms include fever, cough, headache and rash.",
            "Symptoms include rash, cough, headache and fever.",
        ),
        ("公司收入50亿元，其中海外收入20亿元，占40%。", "海外收入占40%。"),
        ("全班40人，其中男生22人，平均身高1.7米。", "男生平均身高1.7米。"),
        (
            "The first three months are covered by insurance; the last three are not.",
            "Insurance covers the first three months.",
        ),
        (
            "Tenants may terminate the lease by giving at least two months' written notice.",
            "Written notice of at least two months is needed to terminate the lease.",
        ),
        ("Most rooms have a balcony, and every room has a bath.", "Each room has a bath."),
        (
            "Most shops close on Sunday, but all supermarkets stay open.",
            "Every supermarket stays open.",
        ),
        ("Prices will rise this year and could fall next year.", "Prices might fall next year."),
        (
            "From the outset the project was late; it ended in 2020.",
            "The project was late from the beginning.",
        ),
        (
            "The tax on alcohol rose in May and that on fuel in April.",
            "The tax on fuel rose in April.",
        ),
        (
            "John Smith leads the design team, and Mary Jones leads the design group.",
            "Mary Jones leads the design group.",
        ),
        (
            "The team is led by John Smith. Mary Jones leads the design group.",
            "John Smith leads the team, and Mary Jones leads the design group.",
        ),
    ],
)
def test_the_same_in_other_words_is_supported(passage: str, same: str) -> None:
    assert kind(passage, same) == "supported"
