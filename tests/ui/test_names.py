"""`streamlit run` puts ui/ first on sys.path: no file in it may hide a module of somebody else."""

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
