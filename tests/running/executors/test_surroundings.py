"""What a worker of another machine does not find is said in a sentence, before anything is done."""

import hashlib
import sys
from dataclasses import replace

import pytest

from uaabench.core.errors import ClusterError, UsageError
from uaabench.running import config, pipeline, plan, store
from uaabench.running.executors import cluster as clusters
from uaabench.running.executors import named
from uaabench.running.executors.surroundings import Surroundings

METHOD = """
import beside
from uaabench.core.interface import LuminanceMethod, MethodCard


class Own(LuminanceMethod):
    card = MethodCard(name="own", title="Own", kind="classical", version=1, summary="")

    def fuse_luminance(self, ir, y):
        return y
"""


@pytest.fixture
def plugin(tmp_path):
    file = tmp_path / "plugin.py"
    file.write_text(METHOD)
    (tmp_path / "beside.py").write_text("")
    return file


@pytest.fixture
def surroundings(pair_folder, plugin, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("UAABENCH_OWN", "1")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3")
    fused = tmp_path / "fused"
    fused.mkdir()
    for image in (pair_folder / "vi").iterdir():
        (fused / image.name).symlink_to(image)
    entries = {"methods": ["average", "mine=fused"], "datasets": [f"mine={pair_folder}"], "plugins": [plugin]}
    described = config.build(entries)
    return Surroundings.of(store.open_run(tmp_path / "R"), described, plan.make(described, "cpu").of())


def test_workers_get_what_is_meant_for_this_package_and_nothing_else(surroundings, plugin, pair_folder, tmp_path):
    assert surroundings.variables["UAABENCH_OWN"] == "1"
    assert [name for name in surroundings.variables if not name.startswith("UAABENCH_")] == []
    assert surroundings.folder == tmp_path
    assert surroundings.files == {
        plugin: hashlib.sha256(METHOD.encode()).hexdigest(), tmp_path / "beside.py": hashlib.sha256(b"").hexdigest(),
        tmp_path / "fused": "", pair_folder / "ir" / "0.png": "",
    }  # fmt: skip


def test_a_worker_that_finds_all_has_no_fault(surroundings):
    with surroundings.shown():
        assert surroundings.fault() == ""
    assert list(surroundings.run.iterdir()) == []


def test_another_folder_at_the_path_of_the_run_directory_is_none(surroundings):
    assert f"does not find {surroundings.run} as it is on {surroundings.host}: put it on a" in surroundings.fault()


def test_what_a_worker_lacks_is_named(surroundings, plugin, tmp_path):
    with surroundings.shown():
        gone = replace(surroundings, folder=tmp_path / "gone")
        assert f"does not find {tmp_path / 'gone'} as it is on" in gone.fault()
        with pytest.raises(ClusterError, match="gone as it is on"):
            gone.enter()
        plugin.write_text("other = True")
        assert f"does not find {plugin} as it is on" in surroundings.fault()
        plugin.unlink()
        assert f"does not find {plugin} as it is on" in surroundings.fault()


def test_other_versions_are_refused(surroundings):
    other = replace(surroundings, packages={**surroundings.packages, "numpy": "1.0"})
    with surroundings.shown():
        assert "but the run was started with 1.0: install the same on both, as numbers depend on it." in other.fault()


@pytest.mark.parametrize("executor", ["slurm", "dask:", "dask://", "dask://host", "dask://host:x", "dask://a b:1"])
def test_what_is_no_executor_is_said(executor):
    with pytest.raises(UsageError, match=f"There is no executor '{executor}'; write `dask` for workers"):
        pipeline.pick_device("cpu", executor)


@pytest.mark.parametrize("executor", ["dask://node-1.lab:8786", "dask://10.0.0.1:1", "dask://[::1]:8786"])
def test_a_scheduler_is_named_by_host_and_port(executor):
    assert named.address_of(executor) == executor.removeprefix("dask://")


@pytest.mark.parametrize("executor", ["dask", "dask://h:1", "batch.yaml"])
def test_a_cluster_without_its_packages_is_said(executor, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "batch.yaml").write_text("system: slurm\nwalltime: 01:00:00\nmemory: 8GB\nworkers: {to: 4}\n")
    for package in ("distributed", "dask_jobqueue"):
        monkeypatch.setitem(sys.modules, package, None)
    described = config.build({"methods": ["average"], "executor": executor})
    cluster = named.workers_of(described, tmp_path, [], "cpu", lambda _: None)
    with pytest.raises(ClusterError, match=r"A cluster needs further packages: pip install 'uaabench\[cluster\]'\."):
        cluster.shares(4)
    cluster.close()


def test_which_device_workers_elsewhere_have_must_be_said():
    with pytest.raises(UsageError, match="Write --device cpu or --device cuda: what the workers of 'dask://h:1' have"):
        pipeline.pick_device("auto", "dask://h:1")
    with pytest.raises(UsageError, match="every worker has a GPU of its own: write --device cuda, not cuda:1"):
        pipeline.pick_device("cuda:1", "dask")
    assert pipeline.pick_device("cuda", "dask://h:1") == "cuda"


def test_local_workers_take_the_gpus_that_this_process_may_use_one_after_another(monkeypatch):
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "5,GPU-7")
    assert clusters.gpus_of_this_machine() == ["5", "GPU-7"]
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    assert clusters.gpus_of_this_machine() == ["0", "1"]
    assert clusters.options_of(3, ["5", "GPU-7"])["env"] == {"CUDA_VISIBLE_DEVICES": "GPU-7"}
    assert clusters.options_of(3, ["5", "GPU-7"])["resources"] == {"GPU": 1}
    assert "env" not in clusters.options_of(3, [])


class _Client:
    """Stands for a scheduler with workers."""

    status = "running"

    def __init__(self, threads=1, resources=None, faults=None):
        self.threads, self.resources, self.faults = threads, resources or {}, faults or {}

    def nthreads(self):
        return {"tcp://w:1": self.threads}

    def scheduler_info(self, n_workers):
        return {"workers": {"tcp://w:1": {"resources": self.resources}}}

    def run(self, *_, on_error):
        return self.faults


@pytest.mark.parametrize(
    ("client", "gpu", "said"),
    [
        (_Client(threads=4), False, "The worker at tcp://w:1 of h:1 has 4 threads, but fusing seeds and sets what"),
        (_Client(), True, "No worker of h:1 offers a GPU: start each with --resources GPU=1"),
        (
            _Client(faults={"tcp://w:1": ImportError("uaabench")}),
            False,
            "The worker at tcp://w:1 cannot run uaabench (",
        ),
        (_Client(faults={"tcp://w:1": "It lacks it."}), False, "It lacks it."),
    ],
)
def test_workers_that_cannot_do_it_are_refused(surroundings, client, gpu, said):
    cluster = clusters.Cluster(lambda: clusters.running("h:1"), surroundings, gpu=gpu, threads=1, tell=lambda _: None)
    cluster._started, cluster._connected = clusters.running("h:1"), client
    with pytest.raises(ClusterError) as error:
        cluster._admit(client)
    assert str(error.value).startswith(said)


def test_a_scheduler_that_is_lost_is_said(surroundings):
    client = _Client()
    client.status = "closed"
    cluster = clusters.Cluster(lambda: clusters.running("h:1"), surroundings, gpu=False, threads=1, tell=lambda _: None)
    cluster._started, cluster._connected = clusters.running("h:1"), client
    with pytest.raises(ClusterError, match="The scheduler of h:1 does not answer any more; what was done is kept"):
        cluster.look()
