"""Conversations, for tests of the questions that follow in them."""

from assistant.values import ChatMessage


def talk(*texts: str) -> list[ChatMessage]:
    """Return a conversation: question, answer, question, …."""
    roles = ("user", "assistant")
    return [
        ChatMessage(role="user" if roles[n % 2] == "user" else "assistant", content=text)
        for n, text in enumerate(texts)
    ]


ZH = talk("小型无人机的高度限制是多少？", "不超过120米[1]。")

EN = talk("How far can the DJI Mini 4 Pro fly?", "Up to 10 km [1].")

LIGHTS = talk("What lights does a drone need at night in the United States?", "White ones [1].")

WEIGHT = talk("大疆Mini 4 Pro的重量是多少？", "249克[1]。")
