"""Posts of threads, data of products and recipes, lists of pages, and data of scripts."""

import json

import pytest

from ingest.documents import Document
from ingest.errors import ExtractError
from ingest.extract.extractor import extract
from tests.page_samples import page

SENTENCE = "The harbour was quiet that morning, and the boats lay still in the grey water. "
ZH = "清晨的港口很安静，渔船停在灰色的水面上，没有一点声音，只有海鸥在远处叫着。"


def document(body: str, head: str = "", *, url: str = "https://example.com/a/b") -> Document:
    source = f"<html><head><title>Quiet</title>{head}</head><body>{body}</body></html>"
    return extract(page(source, url=url))


def linked_data(**fields: object) -> str:
    return f'<script type="application/ld+json">{json.dumps(fields)}</script>'


# ---------------------------------------------------------------- threads


def test_posts_of_discuz_have_their_authors_and_days() -> None:
    posts = "".join(
        f'<div id="post_{n}"><div class="authi"><a>用户{n}</a></div><div class="authi">'
        f"<em>发表于 2024-03-0{n} 08:00</em></div>"
        f'<td class="t_f" id="postmessage_{n}">第{n}楼{ZH}</td></div>'
        for n in (1, 2, 3)
    )
    found = document(f'<ul class="nav"><li>论坛</li></ul><div id="postlist">{posts}</div>')
    assert found.kind == "forum"
    assert found.text.startswith(f"### 用户1, 2024-03-01\n\n第1楼{ZH}\n\n### 用户2, 2024-03-02")


def test_accepted_answer_comes_first_with_its_author() -> None:
    def answer(name: str, kind: str) -> str:
        return (
            f'<div class="{kind}"><div class="s-prose js-post-body"><p>{name} says: {SENTENCE}</p>'
            f'<pre><code>pip install harbour</code></pre></div><div class="user-details">'
            f"<a>{name}</a></div></div>"
        )

    body = (
        answer("Ann", "question")
        + answer("Bob", "answer")
        + answer("Eve", "answer accepted-answer")
    )
    text = document(f"<main>{body}</main>").text
    assert text.index("### Eve") < text.index("### Bob")
    assert "pip install harbour" in text


def test_question_of_json_ld_is_read_where_the_page_shows_less() -> None:
    head = linked_data(
        **{
            "@type": "QAPage",
            "mainEntity": {
                "@type": "Question",
                "name": "How deep is the quay?",
                "text": f"<p>{SENTENCE}</p>",
                "suggestedAnswer": [{"text": f"Second. {SENTENCE}", "author": {"name": "Bob"}}],
                "acceptedAnswer": {
                    "text": f"<p>First.</p><p>{SENTENCE}</p>",
                    "author": {"name": "Eve"},
                    "dateCreated": "2024-03-14T08:00",
                },
            },
        }
    )
    found = document(f"<p>{SENTENCE}</p><p>Second. {SENTENCE}</p>", head)
    assert found.kind == "qa"
    assert found.text == (
        f"{SENTENCE.strip()}\n\n### Eve, 2024-03-14\n\nFirst.\n\n{SENTENCE.strip()}"
        f"\n\n### Bob\n\nSecond. {SENTENCE.strip()}"
    )


# ---------------------------------------------------------------- pairs

PRODUCT = {
    "@type": "Product",
    "name": "Harbour lamp",
    "brand": {"name": "Quay"},
    "offers": {
        "price": 29.9,
        "priceCurrency": "EUR",
        "availability": "https://schema.org/InStock",
    },
    "aggregateRating": {"ratingValue": "4.6", "bestRating": 5, "reviewCount": 212},
    "additionalProperty": [{"name": "Height", "value": "40 cm"}],
}


def test_price_and_rating_that_scripts_would_show_are_in_the_text() -> None:
    found = document(
        f"<main><h1>Harbour lamp</h1><p>{SENTENCE * 3}</p></main>", linked_data(**PRODUCT)
    )
    assert found.kind == "product"
    for line in (
        "- Brand: Quay",
        "- Price: 29.9 EUR",
        "- Availability: in stock",
        "- Rating: 4.6 / 5",
        "- Height: 40 cm",
    ):
        assert line in found.text


def test_chinese_page_has_chinese_labels_and_its_specifications() -> None:
    body = (
        f"<main><p>{ZH * 3}</p></main>"
        '<ul class="parameter2"><li>容量：4升</li><li>功率：860瓦</li></ul>'
    )
    text = document(body, linked_data(**PRODUCT)).text
    assert "- 价格：29.9 EUR" in text
    assert "- 库存：有货" in text
    assert text.endswith("- 容量：4升\n- 功率：860瓦")


def test_what_the_text_has_is_not_said_twice() -> None:
    body = f"<main><p>{SENTENCE * 3}</p><p>By Quay, for 29.9 EUR, 40 cm high.</p></main>"
    text = document(body, linked_data(**PRODUCT)).text
    assert text.count("29.9") == 1
    assert text.count("40 cm") == 1


def test_microdata_say_the_same_as_json_ld() -> None:
    body = (
        f'<main itemscope itemtype="https://schema.org/Product"><h1 itemprop="name">Lamp</h1>'
        f'<p itemprop="description">{SENTENCE * 3}</p>'
        '<div itemprop="offers" itemscope itemtype="https://schema.org/Offer">'
        '<meta itemprop="price" content="12.50"><meta itemprop="priceCurrency" content="CHF"></div>'
        "</main>"
    )
    found = document(body)
    assert found.kind == "product"
    assert "- Price: 12.50 CHF" in found.text


def test_recipe_has_times_ingredients_and_steps() -> None:
    recipe = {
        "@type": "Recipe",
        "totalTime": "PT1H20M",
        "recipeYield": "4 servings",
        "recipeIngredient": ["200 g flour", "2 eggs"],
        "recipeInstructions": [{"@type": "HowToStep", "text": "Whisk the eggs with the flour."}],
    }
    text = document(f"<main><p>{SENTENCE * 3}</p></main>", linked_data(**recipe)).text
    assert "- Total time: 1 h 20 min" in text
    assert "- Ingredients: 200 g flour" in text
    assert "- Steps: Whisk the eggs with the flour." in text


def test_event_has_its_time_and_place() -> None:
    event = {
        "@type": "Event",
        "name": "Regatta",
        "startDate": "2026-05-03T10:00+02:00",
        "location": {"name": "Old quay", "address": {"addressLocality": "Bern"}},
    }
    text = document(f"<main><p>{SENTENCE * 3}</p></main>", linked_data(**event)).text
    assert "- Begins: 2026-05-03 10:00\n- Place: Old quay, Bern" in text


@pytest.mark.parametrize("fields", [{"offers": 3}, {"offers": [None]}, {"brand": []}, {"name": {}}])
def test_odd_data_of_a_product_cost_nothing(fields: dict[str, object]) -> None:
    head = linked_data(**{"@type": "Product", **fields})
    assert document(f"<main><p>{SENTENCE * 3}</p></main>", head).text == (SENTENCE * 3).strip()


# ---------------------------------------------------------------- lists of pages


def test_list_of_notices_is_its_titles_with_their_days() -> None:
    entries = "".join(
        f'<li><a href="/{n}">关于第{n}号泊位检修的公告</a><span>2024-03-0{n}</span></li>'
        for n in range(1, 9)
    )
    found = document(f'<ul class="nav"><li><a href="/">首页</a></li></ul><ul>{entries}</ul>')
    assert found.kind == "listing"
    assert found.text.splitlines()[0] == "- 关于第1号泊位检修的公告 2024-03-01"
    assert len(found.text.splitlines()) == 8


def test_teasers_keep_their_linked_titles() -> None:
    cards = "".join(
        f'<div class="item"><h3><a href="/{n}">Story number {n} of the day</a></h3>'
        f"<p>{SENTENCE}</p></div>"
        for n in range(8)
    )
    text = document(f"<div>{cards}</div>").text
    assert text.startswith(
        f"## Story number 0 of the day\n\n{SENTENCE.strip()}\n\n## Story number 1"
    )
    assert "## Story number 7" in text


def test_article_with_a_list_of_links_beside_it_stays_an_article() -> None:
    entries = "".join(
        f'<li><a href="/{n}">Another story of the day {n}</a> 2024-03-0{n}</li>'
        for n in range(1, 9)
    )
    found = document(f"<article><p>{SENTENCE * 9}</p></article><ul>{entries}</ul>")
    assert "grey water" in found.text
    assert found.kind == "article"


# ---------------------------------------------------------------- data of scripts

EMPTY_APP = '<div id="__next"></div>'
PARAGRAPHS = [f"Paragraph {n}. {SENTENCE * 2}".strip() for n in range(4)]
JOINED = "</p><p>".join(PARAGRAPHS)
OTHERS = {"related": [{"title": "Other", "excerpt": SENTENCE * 3}], "menu": ["Home", "About"]}


def next_data(value: object) -> str:
    source = json.dumps({"props": {"pageProps": value}})
    return f'{EMPTY_APP}<script id="__NEXT_DATA__" type="application/json">{source}</script>'


@pytest.mark.parametrize(
    "body",
    [
        next_data({"post": {"content": "".join(f"<p>{p}</p>" for p in PARAGRAPHS)}, **OTHERS}),
        next_data({"post": {"body": [{"type": "p", "text": p} for p in PARAGRAPHS]}, **OTHERS}),
        # Nuxt: a list whose numbers point into itself.
        '<div id="__nuxt"></div><script id="__NUXT_DATA__" type="application/json">'
        + json.dumps([{"data": 1}, ["Reactive", 2], {"body": 3}, [4, 5, 6, 7], *PARAGRAPHS])
        + "</script>",
        '<div id="app"></div><script>window.__INITIAL_STATE__='
        + json.dumps({"article": {"paragraphs": PARAGRAPHS}, "user": None})
        + ";(function(){})()</script>",
        # React's flight rows, in two pieces, with a text that is referred to.
        EMPTY_APP
        + "".join(
            f"<script>self.__next_f.push([1,{json.dumps(piece)}])</script>"
            for piece in (
                f"2:T{len(PARAGRAPHS[0].encode()):x},{PARAGRAPHS[0]}",
                '1:["$","main",null,{"children":[["$","p",null,{"children":"$2"}],'
                + ",".join(f'["$","p",null,{{"children":{json.dumps(p)}}}]' for p in PARAGRAPHS[1:])
                + "]}]\n",
            )
        ),
        # A template that a script would show, as old blogs have it, and <noscript>.
        f'<div id="app"></div><script type="text/template"><p>{JOINED}</p></script>',
        f'<div id="root"></div><script src="a.js"></script><noscript><p>{JOINED}</p></noscript>',
    ],
)
def test_text_in_the_data_of_scripts_needs_no_browser(body: str) -> None:
    assert document(body).text == "\n\n".join(PARAGRAPHS)


@pytest.mark.parametrize(
    "script",
    [
        '<script id="__NEXT_DATA__" type="application/json">{"a": [[[[</script>',
        '<script id="__NUXT_DATA__" type="application/json">[[1], [0], 5, {"a": 3}]</script>',
        '<script type="text/template"><p>{{ title }} {{ body }}</p></script>',
        '<script>self.__next_f.push([1,"1:Tzz,\\n2:[\\"$\\""])</script>',
    ],
)
def test_data_without_prose_leave_the_page_to_the_browser(script: str) -> None:
    with pytest.raises(ExtractError) as caught:
        document(EMPTY_APP + script)
    assert caught.value.reason == "needs_browser"


def test_page_with_a_text_is_not_replaced_by_its_data() -> None:
    body = f"<article><p>{SENTENCE * 9}</p></article>" + next_data({"other": PARAGRAPHS * 9})
    assert document(body).text == (SENTENCE * 9).strip()


@pytest.mark.parametrize(
    "body",
    [
        f'<my-page><template shadowrootmode="open"><p>{SENTENCE * 4}</p></template></my-page>',
        f'<iframe srcdoc="&lt;p&gt;{SENTENCE * 4}&lt;/p&gt;"></iframe>',
        f"<details><summary>More</summary><p>{SENTENCE * 4}</p></details>",
    ],
)
def test_shadow_roots_frames_and_panels_are_read(body: str) -> None:
    assert (SENTENCE * 4).strip() in document(body).text


def test_base_address_of_a_page_is_that_of_its_canonical_link() -> None:
    head = '<base href="https://example.com/docs/"><link rel="canonical" href="quay.html">'
    found = document(f"<p>{SENTENCE * 4}</p>", head)
    assert found.canonical == "https://example.com/docs/quay.html"


@pytest.mark.timeout(60)
def test_a_script_of_one_long_word_is_read_once() -> None:
    blob = "a1" * 100_000
    prose = f"<p>{SENTENCE * 5}</p>" * 9
    script = f'<script>window.__NUXT__=(function(a){{return a}}("{blob}"));</script>'
    found = document(f"<div id=__nuxt></div><article>{prose}</article>{script}")
    assert "harbour" in found.text
