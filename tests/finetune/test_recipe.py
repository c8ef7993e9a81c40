from pathlib import Path

import pytest

from finetune.errors import RecipeError
from finetune.export.modelfile import read_license
from finetune.recipe import load_recipe
from finetune.shipped_recipes import copy_recipe, list_recipes
from ingest.foundation.errors import SettingsError

SMALL = """
name = "small"
[model]
base = "tiny"
[data]
files = ["rows.jsonl"]
"""


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "small.toml"
    path.write_text(SMALL, encoding="utf-8")
    return path


def load_error(path: Path, *changes: str) -> RecipeError:
    with pytest.raises(RecipeError) as caught:
        load_recipe(path, changes)
    return caught.value


@pytest.mark.parametrize("name", list_recipes())
def test_each_shipped_recipe_is_whole(name: str, tmp_path: Path) -> None:
    written = copy_recipe(name, tmp_path / "new")
    recipe = load_recipe(tmp_path / "new" / f"{name}.toml")
    assert recipe.name == name
    assert set(recipe.data_files) <= set(written)


def test_the_drone_recipe_has_the_published_settings() -> None:
    train = load_recipe(Path("finetune/recipes/drone-safety.toml")).train
    assert (train.r, train.alpha, train.dropout) == (8, 32, 0.1)
    assert (train.batch, train.accumulate, train.epochs, train.lr) == (2, 16, 5, 1e-4)
    assert (train.schedule, train.weight_decay, train.precision) == ("cosine", 0.01, "fp16")


def test_nothing_is_written_over(tmp_path: Path) -> None:
    copy_recipe("support", tmp_path)
    (tmp_path / "support.csv").write_text("mine")
    with pytest.raises(RecipeError) as caught:
        copy_recipe("support", tmp_path)
    assert "--into" in caught.value.hint.localize("en")
    assert (tmp_path / "support.csv").read_text() == "mine"


def test_a_name_that_no_recipe_has_lists_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(RecipeError) as caught:
        copy_recipe("../drone-safety", tmp_path)
    assert "drone-safety" in caught.value.hint.localize("zh")


def test_changes_of_the_command_line_win(small: Path) -> None:
    recipe = load_recipe(small, ["train.lr=2e-4", "train.schedule=linear", "data.files=['a.csv']"])
    assert (recipe.train.lr, recipe.train.schedule) == (2e-4, "linear")
    assert recipe.data_files == (small.parent / "a.csv",)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("train.lrr=2", "did you mean train.lr?"),
        ("lr=2", "did you mean train.lr?"),
        ('data.map={anwser="a"}', "did you mean data.map.answer?"),
        ("train.r=big", "write a whole number"),
        ("train.r", "--set train.lr=2e-4"),
        ("train.lr.deep=2", "unknown key train.lr.deep"),
        ("data.split.train=0.5", "must add up to 1"),
        ("data.window.characters=10", "window.overlap"),
        ("name=../up", "name"),
    ],
)
def test_what_cannot_be_used_is_named_with_what_to_write(
    small: Path, change: str, message: str
) -> None:
    changes = ["data.window.overlap=10", change] if "window" in change else [change]
    error = load_error(small, *changes)
    assert message in error.localize("en")
    assert "\n" not in error.localize("zh")
    assert error.exit_code == 2


def test_a_recipe_without_a_model_says_what_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "none.toml"
    path.write_text('name = "x"\n[data]\nfiles = ["a"]\n')
    assert "model is missing" in load_error(path).localize("en")


def test_a_recipe_that_is_not_there_names_the_command_that_writes_one(tmp_path: Path) -> None:
    assert "finetune init" in load_error(tmp_path / "no.toml").localize("en")


def test_broken_toml_names_the_line(tmp_path: Path) -> None:
    path = tmp_path / "broken.toml"
    path.write_text('name = "x"\n[model\n')
    assert "line 2" in load_error(path).localize("en")


def test_changes_are_written_into_the_new_recipe_and_its_comments_stay(tmp_path: Path) -> None:
    copy_recipe("drone-safety", tmp_path, ["model.base=tiny", "train.lr=0.005"])
    path = tmp_path / "drone-safety.toml"
    recipe = load_recipe(path)
    assert (recipe.model.base, recipe.train.lr) == ("tiny", 0.005)
    assert "holds the thought" in path.read_text(encoding="utf-8")


def test_a_change_that_cannot_be_made_writes_nothing(tmp_path: Path) -> None:
    with pytest.raises(RecipeError):
        copy_recipe("drone-safety", tmp_path / "new", ["train.lrr=1"])
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    "change",
    ['data.files=["~nosuch/rows.csv"]', 'model.base="~nosuch/m"', 'export.license="~nosuch/l"'],
)
def test_a_path_of_a_user_that_is_not_there_names_the_setting(change: str, small: Path) -> None:
    recipe = load_recipe(small, [change])
    with pytest.raises(SettingsError) as caught:
        _ = recipe.data_files, recipe.base_folder, read_license(recipe, small.parent)
    assert caught.value.localize("en").startswith(f"{change.partition('=')[0]}: ")
    assert "~nosuch" in caught.value.localize("zh")
