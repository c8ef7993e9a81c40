"""Markdown texts for properties: headings, lists, tables, code, in two languages."""

from hypothesis import strategies as st

MARKDOWN = st.lists(
    st.sampled_from(
        [
            *(
                "# ",
                "## 标题\n",
                "\n",
                "\n\n",
                " ",
                "- item\n",
                "| a | b |\n",
                "```\n",
                "~~~\n",
                "    x",
            ),
            *(
                "无人机",
                "夜间飞行。",
                "Is it? ",
                "word ",
                "🚁",
                "\u3000",
                "\t",
                "#no heading",
                "a" * 700,
            ),
        ]
    )
    | st.text(max_size=30),
    max_size=80,
).map("".join)
