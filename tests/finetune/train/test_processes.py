"""Several processes that train together learn what one learns alone."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from accelerate.commands.config.config_args import load_config_from_file

from finetune.progress import SilentProgress
from finetune.train.arguments import accelerate_config
from finetune.train.log import read_log, read_summary
from finetune.train.trainer import train
from tests.finetune.train.training_set import prepared, recipe

ROOT = Path(__file__).parents[3]

CHILD = """
import sys
from pathlib import Path

import torch

from finetune.progress import SilentProgress
from finetune.runs import Run
from finetune.train.trainer import train
from tests.finetune.train.training_set import recipe

torch.set_num_threads(1)
train(recipe(sys.argv[1], accumulate=1), Run(Path(sys.argv[2])), progress=SilentProgress())
"""


@pytest.mark.parametrize("processes", [1, 4])
def test_accelerate_takes_the_config_that_we_write(processes: int, tmp_path: Path) -> None:
    path = tmp_path / "accelerate.yaml"
    path.write_text(accelerate_config(processes), encoding="utf-8")
    config = load_config_from_file(str(path))
    assert config.num_processes == processes
    assert config.mixed_precision == "no"
    values = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert values["distributed_type"] == ("MULTI_GPU" if processes > 1 else "NO")


def test_two_processes_with_half_the_batches_end_where_one_ends(tiny: Path, tmp_path: Path) -> None:
    """As `accelerate launch` starts them, by torch's own launcher; on processors, through gloo."""
    alone, together = prepared(tmp_path / "alone", val=7), prepared(tmp_path / "together", val=7)
    expected = train(recipe(tiny, accumulate=2), alone, progress=SilentProgress())
    (tmp_path / "child.py").write_text(CHILD)
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    command = [*launch, str(tmp_path / "child.py"), str(tiny), str(together.folder)]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    subprocess.run(command, env=environment, cwd=ROOT, check=True, capture_output=True)
    got = read_summary(together.train)
    assert got.steps == expected.steps
    assert got.train_loss == pytest.approx(expected.train_loss, rel=1e-4)
    assert got.eval_loss == pytest.approx(expected.eval_loss, rel=1e-4)
    steps = [entry.step for entry in read_log(together.train) if entry.loss is not None]
    assert steps == list(range(1, got.steps + 1))  # one log, written by one of them
