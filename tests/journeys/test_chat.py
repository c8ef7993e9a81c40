"""A conversation on the terminal: commands, small talk, Ctrl-C."""

import signal

from tests.engines.ollama_server import OllamaServer
from tests.internet.net import Internet
from tests.journeys.conftest import LONGEST_S, Shell

NIGHT = "无人机夜间飞行需要什么条件?"


def test_ctrl_c_stops_the_answer_and_then_leaves(
    shell_with_model: Shell, ollama: OllamaServer
) -> None:
    ollama.answer = "很长的回答。" * 200
    ollama.delay_s = 0.1
    run = shell_with_model.start("assistant", "chat", "--web", "--quiet", "--hide-thinking")
    assert run.stdin is not None
    assert run.stdout is not None
    print(NIGHT, file=run.stdin, flush=True)
    assert run.stdout.read(1) == "很"
    run.send_signal(signal.SIGINT)
    assert ollama.hung_up.wait(30)
    print("谢谢", file=run.stdin, flush=True)
    while "很乐意帮忙" not in (line := run.stdout.readline()):
        assert line, "the chat is over"
    assert run.stdout.readline() == "\n"  # what ends an answer
    run.send_signal(signal.SIGINT)
    _, stderr = run.communicate(timeout=LONGEST_S)
    assert run.returncode == 130
    assert stderr.count("已停止") == 2
    assert "Traceback" not in stderr


def test_commands_are_no_questions(shell: Shell, net: Internet) -> None:
    shown = shell("assistant", "chat", "--lang", "en", stdin="/help\n/foo\n/WEB\n/NEW\n/Quit\n")
    assert shown.stdout == ""
    assert "There is no /foo." in shown.stderr
    assert shown.stderr.count("/new starts afresh") == 3
    assert "The web is searched for every question." in shown.stderr
    assert "The conversation starts afresh." in shown.stderr
    assert net.hits() == []


def test_small_talk_is_not_searched_for(shell: Shell, net: Internet) -> None:
    shown = shell("assistant", "chat", "--web", stdin="你好\nthanks!\n")
    assert shown.stdout.split("\n\n")[:2] == [
        "很乐意帮忙：请直接提问，我会给出有来源可查的回答。",
        "Glad to help: ask a question, and I look for an answer with sources.",
    ]
    assert net.hits() == []


def test_what_holds_for_the_whole_conversation_is_said_once(shell: Shell) -> None:
    shown = shell("assistant", "chat", stdin=f"{NIGHT}\n绿茶用多热的水泡?\n{NIGHT}\n")
    assert shown.stderr.count("ollama serve") == 1


def test_lines_from_a_pipe_are_asked_without_prompts_and_in_any_encoding(shell: Shell) -> None:
    piped = f"{NIGHT}\n/quit\n".encode("gbk").decode("utf-8", "surrogateescape")
    shown = shell("assistant", "chat", "--web", stdin=piped)
    assert "来源" in shown.stdout
    assert "? " not in shown.stderr.replace(NIGHT, "")


def test_a_conversation_is_taken_up_where_it_was(
    shell_with_model: Shell, ollama: OllamaServer
) -> None:
    ollama.answer = lambda _: ("…", "夜间飞行应当开启灯光系统[1]。")
    first = shell_with_model("assistant", "chat", "--web", "--lang", "zh", stdin=f"{NIGHT}\n")
    (command,) = [line for line in first.stderr.splitlines() if "--resume" in line]
    id_ = command.split("=")[-1]
    shell_with_model("assistant", "chat", "--private", stdin="绿茶用多热的水泡?\n")
    for name in (["--resume"], [f"--resume={id_[:6]}"], ["--resume", "无人机"]):
        shown = shell_with_model(
            "assistant", "chat", *name, "--lang", "zh", stdin="它要开什么灯?\n"
        )
        assert "开启灯光系统" in shown.stderr
        assert "无人机" in str(ollama.asked("/api/chat")[-1])  # what "it" means
    assert "已问 3 个问题" in shown.stderr
    unknown = shell_with_model("assistant", "chat", "--resume", "nosuch", "--lang", "en", code=2)
    assert "no conversation of this name is kept: nosuch" in unknown.stderr
    shell_with_model("assistant", "forget", "--all")
    shell_with_model("assistant", "chat", "--resume", "--lang", "en", code=2)
