"""A batch system is asked for what its description says, and each fault of a description is a sentence."""

import pytest

from uaabench.core.errors import ClusterError, UsageError
from uaabench.running import pipeline
from uaabench.running.executors import jobqueue

pytest.importorskip("dask_jobqueue")

SLURM = {
    "system": "slurm", "queue": "gpu", "account": "lab", "walltime": "02:00:00", "cores": 8, "memory": "32GB",
    "gpus": 1, "workers": {"from": 1, "to": 16}, "setup": ["module load cuda"], "directives": ["--constraint=a100"],
}  # fmt: skip
MINIMAL = "system: slurm\nwalltime: 12:00:00\nmemory: 8GB\nworkers: {to: 4}\n"


def script(**changed):
    cluster = jobqueue.make(jobqueue.BatchSystem.model_validate({**SLURM, **changed}))
    try:
        return cluster.job_script()
    finally:
        cluster.close()


@pytest.fixture
def write(tmp_path):
    def call(text):
        file = tmp_path / "batch.yaml"
        file.write_text(text)
        return file

    return call


def test_a_job_of_slurm_asks_for_what_was_described():
    lines = script().splitlines()
    for line in (
        "#SBATCH -p gpu", "#SBATCH -A lab", "#SBATCH -n 1", "#SBATCH --cpus-per-task=8", "#SBATCH --mem=30G",
        "#SBATCH -t 02:00:00", "#SBATCH --gres=gpu:1", "#SBATCH --constraint=a100", "module load cuda",
    ):  # fmt: skip
        assert line in lines
    # One thread whatever the cores; 7200 s less 300 s is when the last has retired, 300 s before that the first.
    worker = lines[-1]
    assert "--nthreads 1 " in worker
    assert "--nanny" in worker
    assert worker.endswith("--lifetime 6750s --lifetime-stagger 150s --resources GPU=1")


@pytest.mark.parametrize(
    ("system", "lines"),
    [
        ("pbs", ["#PBS -A lab", "#PBS -l select=1:ncpus=8:ngpus=1:mem=32GB", "#PBS -l walltime=02:00:00"]),
        ("lsf", ["#BSUB -q gpu", '#BSUB -P "lab"', "#BSUB -n 8", "#BSUB -W 02:00", '#BSUB -gpu "num=1"']),
        ("sge", ["#$ -q gpu", "#$ -P lab", "#$ -l h_rt=02:00:00", "#$ -pe smp 8", "#$ -l gpu=1"]),
    ],
)  # fmt: skip
def test_other_batch_systems_are_asked_in_their_own_words(system, lines):
    written = script(system=system).splitlines()
    assert [line for line in lines if line not in written] == []


def test_the_gpu_of_the_launcher_is_not_handed_on():
    cluster = jobqueue.make(jobqueue.BatchSystem.model_validate(SLURM))
    cluster.close()
    assert cluster.job_cls.submit_command == "env -u CUDA_VISIBLE_DEVICES sbatch"
    assert "CUDA_VISIBLE_DEVICES" not in script()


def test_a_description_may_be_short(write):
    asked = jobqueue.read(write(MINIMAL))
    # YAML takes 12:00:00 for a number to the base of 60.
    assert (asked.walltime, asked.cores, asked.gpus, asked.workers.least) == ("12:00:00", 1, 0, 1)


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("slurm", "slurn", "The entry 'system' in {} is not valid: Input should be 'slurm', 'pbs', 'lsf' or 'sge'."),
        ("12:00:00", "'2 hours'", "The entry 'walltime' in {} is not valid: String should match pattern"),
        ("12:00:00", "00:05:00", "The entry 'walltime' in {} is not valid: 00:05:00 is too short"),
        ("8GB", "8", "The entry 'memory' in {} is not valid: Input should be a valid string."),
        ("to: 4", "from: 5, to: 4", "The entry 'workers.to' in {} is not valid: it is below 'from'"),
        ("to: 4", "to: 0", "The entry 'workers.to' in {} is not valid: Input should be greater than 0."),
        ("memory", "gpus: 2\nmemory", "The entry 'gpus' in {} is not valid: Input should be 0 or 1."),
        ("memory: 8GB\n", "", "The entry 'memory' in {} is not valid: Field required."),
        ("memory", "nodes: 2\nmemory", "The entry 'nodes' in {} is not valid: Extra inputs are not permitted."),
        ("memory", 'queue: "a\\nrm b"\nmemory', "The entry 'queue' in {} is not valid: String should match pattern"),
        (MINIMAL, "- slurm", "The executor {} must be a mapping such as 'system: slurm'."),
    ],
)  # fmt: skip
def test_each_fault_of_a_description_is_a_sentence(write, before, after, said):
    file = write(MINIMAL.replace(before, after))
    with pytest.raises(UsageError) as error:
        jobqueue.read(file)
    assert str(error.value).startswith(said.format(file))


def test_a_description_that_is_not_there_is_said(uaabench, pair_folder, tmp_path):
    words = ("run", "--methods", "average", "--datasets", f"mine={pair_folder}", "--out", tmp_path / "R")
    result = uaabench(*words, "--executor", tmp_path / "none.yaml")
    assert result.code == 2
    assert f"Cannot read the executor {tmp_path / 'none.yaml'}: No such file or directory." in result.err
    assert not (tmp_path / "R").exists()


def test_the_kind_of_device_is_that_of_the_workers(write):
    file = str(write(MINIMAL))
    assert pipeline.pick_device("auto", file) == pipeline.pick_device("cpu", file) == "cpu"
    with pytest.raises(UsageError, match="With --device cuda workers need a GPU: write 'gpus: 1' in "):
        pipeline.pick_device("cuda", file)
    write(MINIMAL + "gpus: 1\n")
    assert pipeline.pick_device("auto", file) == pipeline.pick_device("cuda", file) == "cuda"
    assert pipeline.pick_device("cpu", file) == "cpu"


@pytest.fixture
def sbatch(tmp_path, monkeypatch):
    """Let `sbatch` be a script."""

    def call(text):
        folder = tmp_path / "bin"
        folder.mkdir()
        for name, content in (("sbatch", text), ("scancel", "exit 0")):
            (folder / name).write_text(f"#!/bin/bash\n{content}\n")
            (folder / name).chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")

    return call


def test_a_batch_system_that_is_not_here_is_said(write, monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ClusterError, match="There is no `sbatch` on this machine: start the run where jobs of slurm"):
        jobqueue.start(jobqueue.read(write(MINIMAL)))


def test_a_job_that_is_refused_is_said(write, sbatch):
    sbatch("echo 'sbatch: error: invalid partition specified: gpu' >&2; exit 1")
    with pytest.raises(ClusterError, match=r"slurm refuses the job of a worker: .*invalid partition specified: gpu"):
        jobqueue.start(jobqueue.read(write(MINIMAL)))


@pytest.mark.slow
def test_jobs_of_a_batch_system_carry_a_run_out(uaabench, pair_folder, write, sbatch, tmp_path):
    # As the real one does, keep the script, which is deleted as soon as it was submitted.
    sbatch(
        '[ -z "$CUDA_VISIBLE_DEVICES" ] || exit 1; cp "$1" "$0.job"; setsid bash "$0.job" >"$0.log" 2>&1 & echo "job 1"'
    )
    common = ("--methods", "average", "--datasets", f"mine={pair_folder}", "--metrics", "EN", "--no-floor")
    assert uaabench("run", *common, "--out", tmp_path / "alone").code == 0
    result = uaabench("run", *common, "--out", tmp_path / "R", "--executor", write(MINIMAL))
    assert result.code == 0, result.err
    records = [(tmp_path / name / "records.parquet").read_bytes() for name in ("alone", "R")]
    assert records[0] == records[1]
