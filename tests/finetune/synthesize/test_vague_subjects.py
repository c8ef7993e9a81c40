"""Sentences and rows that only their text around them says enough of."""

import pytest

from finetune.synthesize.drafting import distinct_questions
from tests.finetune.synthesize.test_doubtful_forms import table
from tests.finetune.synthesize.test_questions import answers_of, drafts_of


@pytest.mark.parametrize(
    "sentence",
    [
        # Which procedure, which comments, which of the limits?
        "The default value is 20.",
        "The default maximal time interval is 1 hour.",
        "The comments are used as a region to mark the schedule of the pumps.",
        "The exact procedure depends on the goals of the house.",
        "The first four pumps are used for the initial filling.",
        "All messages are stored in the single file of the house.",
        "The procedure is very simple because the pumps are hybrid ones.",
        "The limit of Alma was 990 with Alma 2.8 and earlier.",
        "Two matching pumps are listed.",
        "Pattern is used to match the message of the pump.\n\nA pattern is a mask.",
        # What begins with a clause or an adverb has its subject behind it.
        "Since no further pumps are used for the tanks and the tower is new, all is well.",
        "Unsurprisingly Alma manages the pumps in the form of a list.",
        # An opinion of a thing is none of what it is, and a bare "is preferred primarily" no cause.
        "Alma is an elegant solution for filling from the tower to the tanks of the house.",
        "Alma is preferred primarily because the filling is often faster.",
        # What is named goes on with another predicate, or leads to another text.
        "Pump variables consist of any number of letters and must be enclosed in quotes.",
        "The Alma pump is used to fill the tanks, see Filling for details.",
        "系统有一些不错的水泵用于灌溉和排水。",
        "灌溉格式并非唯一用于花园的格式。",
        "水泵也被用来做花园的灌溉。",
        "水泵的另个有趣的功能是尊重花园。",
        "本地修建的水塔也限制了漏水的范围，因为只修建了一部分。",
        "An in-view pump cannot refer to a tank that is built later in the house.",
        "The statement has two clauses.",
        "The key tag or the key number is 10376.",
        "The signed copies of the letters are stored in a file.",
        "Messages of Alma are displayed in the order in which they came.",
        "Please refer to section 5 of the long book of pumps.",
        "Alma is a great texture maker for all of the houses.",
        "The existing pump-count value is the number of letters for a single name.",
        "The letters are stored in a table created with the help of Alma.",
        "The closing method is called whenever a pump of the house is closed.",
        "Flexible filling is a feature of the house, not a mistake.",
        "Only the best pumps are used to fill the tanks of the house.",
        "Suppose Alma is used as the format of letters for the house.",
        "The applicant must submit one of:\n\n- a passport\n- a visa\n- a permit",
        "The letters that can be used to move a pump opened by this call are:\n\n- next\n- open",
        # No meaning of a term, a section that only announces, a heading that takes up another.
        "cookie-secret\n: Grammar: cookie-secret <string>; may occur multiple times",
        "NSEC3 Hashing\n: The only value that is defined is 1 for SHA-1, so no field is there.",
        "## It's not working; how can I find out why?\n\nThe best way is to look into the log.",
        "PyObject_GC_Count\n: Part of the Stable ABI since version 3.9.",
        "The required pumps are called basic, and an informal list can be found in the house.",
        "A broken pump is a violation of the policy of the whole house.",
        "Sometimes users are calling for a pump because they have not read the book.",
        "## Handling of new pumps\n\nPlease see the Checklist for Managers on the site of Alma.",
        table("Ann Berg,Leo Marr,Ida Fox", "Tom Reed,Eva Lind,Max Orr", "Jo Ray,Al Poe,Kim Yu"),
        # A row that has no name, a column that is half of a sentence.
        table("Feature,Optional in,Mandatory in", "print_function,2.6,3.0", "division,2.2,3.0"),
        table("Pump,Availability", "none,Alma 1.0", "(not applicable),Alma 1.1"),
        table("type,default,mandatory", "integer,60,no", "word,red,no"),
        table("水泵,可用性", "无,青禾一号", "其他,青禾二号"),
    ],
)
def test_what_only_its_text_tells_asks_nothing(sentence: str) -> None:
    assert answers_of(sentence) == {}


@pytest.mark.parametrize(
    ("sentence", "question", "answer"),
    [
        ("Hand pumps are a general concept of the whole house.", "What are hand pumps?", ""),
        ("Anna Berg is a general of the old army of Norway.", "Who is Anna Berg?", ""),
        (
            "The virtual_pumps parameter is used for tanks only.",
            "What is the virtual_pumps parameter used for?",
            "tanks only",
        ),
        # What does something and is nobody.
        (
            "Journal files are created by named in the folder of Alma.",
            "What are journal files created by?",
            "named",
        ),
        ("The pump is repaired by the gardener in May.", "Who is the pump repaired by?", ""),
        ("Twelve pumps were lost in the flood.", "How many pumps were lost in the flood?", ""),
        (
            "The first president of Penmar was elected in 1921.",
            "When was the first president of Penmar elected?",
            "1921",
        ),
        ("水泵站是为了灌溉花园。", "水泵站是为了什么？", ""),
        # Names and nouns that look like what says too little.
        ("Bob Dylan is an American singer-songwriter with ten awards.", "Who is Bob Dylan?", ""),
        ("Carl Berg was a Swedish painter active in Paris.", "Who was Carl Berg?", ""),
        ("The telescope is operated by NASA in Penmar.", "Who is the telescope operated by?", ""),
        (
            "The lease was signed by contractors in May.",
            "Who was the lease signed by?",
            "contractors",
        ),
        ("New York is a city of many islands and bridges.", "What is New York?", ""),
        ("Lower Saxony is located in the north of Germany.", "Where is Lower Saxony located?", ""),
        ("The first aid kit holds 12 pieces.", "How many pieces does the first aid kit hold?", ""),
        ("The right lung consists of three lobes.", "What does the right lung consist of?", ""),
        (
            "New employees must complete the training within 30 days.",
            "Within how many days must new employees complete the training?",
            "30 days",
        ),
        (
            "Monthly reports must be submitted within 5 days.",
            "Within how many days must monthly reports be submitted?",
            "5 days",
        ),
        ("Next.js is a framework for pages of all kinds.", "What is Next.js?", ""),
        ("Jira is an issue tracking tool of a large firm.", "What is Jira?", ""),
        ("Brine is a strong solution of salt in water.", "What is Brine?", ""),
        ("Wind speed is a measure of how fast the air moves.", "What is wind speed?", ""),
        (
            "The bicycles are stored in the garden shed.",
            "Where are the bicycles stored?",
            "in the garden shed",
        ),
        (
            "The telescope is used to see distant galaxies.",
            "What is the telescope used for?",
            "to see distant galaxies",
        ),
        (
            "The household consists of family members.",
            "What does the household consist of?",
            "family members",
        ),
        (
            "Paper is made of wood pulp and of rags.\n\nMost paper is white.",
            "What is paper made of?",
            "",
        ),
        (
            "The buyer or seller may cancel within 14 days.",
            "Within how many days may the buyer or seller cancel?",
            "14 days",
        ),
        ("青禾岛植被由松树和竹子组成。", "青禾岛植被由什么组成？", "松树和竹子"),
        (table("House,Check-in", "Alma,15:00"), "What is the check-in of Alma?", "15:00"),
        (table("What,Command", "Pages,ls"), "What is the command of Pages?", "ls"),
    ],
)
def test_what_says_its_subject_is_asked_for(sentence: str, question: str, answer: str) -> None:
    answers = answers_of(sentence)
    assert answers[question] == (answer or answers[question])


def test_a_figure_of_a_common_noun_is_asked_of_its_page() -> None:
    (bare, named) = drafts_of(
        "The default polling delay is 3 seconds.\n\nThe default delay of Alma is 4 seconds."
    )
    assert (bare.question, bare.names_page) == ("What is the default polling delay?", True)
    assert (named.question, named.names_page) == ("What is the default delay of Alma?", False)


def test_a_key_and_an_option_are_asked_of_their_page() -> None:
    keys = drafts_of(table("Key,Function", "^K,kill-line", "Esc l,downcase-word"))
    assert [one.names_page for one in keys] == [True, True]
    (letter, _) = drafts_of(table("Character,Meaning", "'x',exclusive creation", "'r',reading"))
    assert letter.names_page
    (place, name) = drafts_of(
        "new_owner\n: The new owner of the pump.\n\nSMTP_PORT\n: The port of all of the letters."
    )
    assert [place.names_page, name.names_page] == [True, False]
    numbered = drafts_of(table("Strategy,Object", "Operator Strategy 11,is-above"))
    assert [one.names_page for one in numbered] == [True]
    (use,) = drafts_of("Function number 12 is used to support the networks of Alma.")
    assert use.names_page
    assert (
        answers_of("# Pumps\n\n## Note\n\nTo enable logging, set the pump to the red mode.") == {}
    )
    (choice,) = drafts_of("The pump can be one of:\n\n- a red one\n- a green one\n- a blue one")
    assert choice.question == "What can the pump be?"


def test_of_a_long_table_some_cells_are_asked_for_from_end_to_end() -> None:
    rows = [f"pump-{number},{number} litres,{number} kilos" for number in range(100, 140)]
    drafts = drafts_of(table("Pump,Volume,Weight", *rows))
    asked = [draft.question for draft, _ in distinct_questions(drafts).values()]
    assert len(drafts) == 80
    numbers = [int(question.partition("pump-")[2][:3]) for question in asked]
    assert len(asked) == 24
    assert min(numbers) < 105
    assert max(numbers) > 135
    short = drafts_of(table("Pump,Volume,Weight", *rows[:12]))
    assert not any(draft.is_spare for draft in short)


def test_a_cell_that_is_not_asked_for_shows_that_another_is_ambiguous() -> None:
    keys = [f"Esc {letter},do-{letter}" for letter in "abcdefghijklmnopqrstuvwxyz"]
    others = [f"Esc {letter},undo-{letter}" for letter in "abcdefghijklmnopqrstuvwxy"]
    first, second = table("Key,Function", *keys), table("Key,Function", *others)
    drafts = drafts_of(f"## Lists\n\n{first}\n\n## Letters\n\n{second}")
    asked = [draft.question for draft, _ in distinct_questions(drafts).values()]
    assert asked == ["What is the function of Esc z?"]


def test_a_head_of_names_is_read_like_any_other_where_its_cells_are_none() -> None:
    prices = table("Pump Name,Unit Price", "alma,4 kg", "bora,5 kg")
    assert len(drafts_of(prices)) == 2
    # The first line is one more row: a cell of it stands below itself.
    assert answers_of(table("Alma House,Red Pump", "bora,Red Pump", "carla,blue one")) == {}


def test_each_table_of_a_page_is_asked_for() -> None:
    rows = ["Option,Default", *(f"pump-{number},{number} kg" for number in range(10, 15))]
    tables = [f"## House {name}\n\n{table(*rows).replace('pump', name)}" for name in "ABCDEF"]
    drafts = drafts_of("\n\n".join(tables))
    assert len(drafts) == 30
    assert not any(draft.is_spare for draft in drafts)


def test_a_count_in_brackets_is_no_unit() -> None:
    answers = answers_of(table("软件包,命令", "p7zip,7z(1)", "gzip,gunzip(1)"))
    assert answers["p7zip的命令是什么？"] == "7z(1)"
