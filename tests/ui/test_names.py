"""What `streamlit run` does to the script and its folder does no harm to ours.

It puts ui/ first on sys.path: no file in it may hide a module of somebody else. Its "magic" draws
every bare expression of the script on the page, docstrings of names among them.
"""

import ast
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import ui

HERE = Path(ui.__file__).parent


def test_no_file_of_the_page_hides_another_module() -> None:
    own = {path.stem for path in HERE.iterdir() if path.suffix == ".py" or path.is_dir()}
    own -= {"__init__", "__pycache__", ".streamlit"}
    others = {*sys.stdlib_module_names, *packages_distributions()}
    packages = {path.name for path in HERE.parent.iterdir() if path.is_dir()}
    assert {"app", "bridge"} <= own
    assert not own & (others | packages)


def test_no_bare_string_stands_in_the_script_that_magic_could_draw() -> None:
    script = ast.parse((HERE / "app.py").read_text(encoding="utf-8"))
    bare = [each.lineno for each in script.body[1:] if isinstance(each, ast.Expr)]
    assert bare == []
