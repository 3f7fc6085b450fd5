"""What an installed uaabench is: quick to start, one top-level name, and complete."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[1]
HEAVY = ("torch", "pandas", "scipy", "matplotlib")
REPORT_HEAVY = f"print(*sorted(set({HEAVY}) & set(sys.modules)))"


def heavy_modules_after(statements: str) -> list[str]:
    """Names of expensive packages that a fresh interpreter has imported after some statements."""
    code = f"import atexit, sys\natexit.register(lambda: {REPORT_HEAVY})\n{statements}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1].split()


def command(*arguments: str) -> str:
    return f"sys.argv = {['uaabench', *arguments]}\nfrom uaabench.cli.main import main\nmain()"


def test_importing_the_package_imports_nothing_heavy():
    assert heavy_modules_after("import uaabench") == []


@pytest.mark.parametrize(
    "arguments",
    [("--help",), ("--version",), ("run", "--help"), ("explain", "--help"), ("list", "methods")],
    ids=" ".join,
)
def test_quick_commands_import_no_torch(arguments):
    assert "torch" not in heavy_modules_after(command(*arguments))


@pytest.fixture(scope="module")
def wheel_names(tmp_path_factory) -> list[str]:
    """Paths in the wheel, built from a copy, as building leaves files in the source folder."""
    pytest.importorskip("setuptools")
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    skip = shutil.ignore_patterns(".*", "build", "dist", "runs", "*.egg-info", "__pycache__")
    shutil.copytree(CHECKOUT, source, ignore=skip)
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*build, "--wheel-dir", str(folder), str(source)], check=True)
    (wheel,) = folder.glob("uaabench-*.whl")
    return zipfile.ZipFile(wheel).namelist()


@pytest.mark.slow
def test_the_wheel_has_one_top_level_name(wheel_names):
    assert {name.split("/")[0] for name in wheel_names if ".dist-info/" not in name} == {"uaabench"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("folder", "inside"),
    [
        ("uaabench", ""),
        ("baselines", "baselines/"),
        ("datasets", "datasets/"),
        ("reports/published", "published/"),
        ("reports/reference", "reference/"),
    ],
)
def test_the_wheel_has_every_file_of_the_source_folders(wheel_names, folder, inside):
    kept = {".py", ".parquet", ".j2", ".toml", ".json", ".safetensors", ".tsv", ".txt", ".typed", ".yaml"}
    files = [path for path in (CHECKOUT / folder).rglob("*") if path.suffix in kept or path.name == "py.typed"]
    expected = {f"uaabench/{inside}{path.relative_to(CHECKOUT / folder).as_posix()}" for path in files}
    assert expected - set(wheel_names) == set()


@pytest.mark.slow
def test_the_wheel_carries_weights_and_licence(wheel_names):
    assert "uaabench/baselines/weights/uaa.safetensors" in wheel_names
    assert "uaabench/baselines/weights/tardal.safetensors" in wheel_names
    assert any(name.endswith("licenses/LICENSE") for name in wheel_names)
