"""Whether the tests notice when the code that decides numbers is changed: mutants drawn at random against the tests.

    python -m pip install mutmut
    python benchmarks/mutants.py --mutants 40 --seed 1

A mutant is the package with one place changed, by the operators of mutmut 3 (`mutmut.mutation.mutators`) and where
mutmut changes code: in functions, but not in decorated ones, annotations and docstrings. Of all mutants of the modules
in `TESTS` so many are drawn; for each the tests of its module run, until one fails, in a copy that is laid out like the
wheel. Tests that do not pass without any mutant stop the run. Prints what became of each, and the diffs of survivors.
"""

from __future__ import annotations

import argparse
import compileall
import difflib
import importlib
import multiprocessing
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from py_compile import PycInvalidationMode

REPOSITORY = Path(__file__).resolve().parents[1]
PLANS = ["tests/running/test_plan.py", "tests/running/test_keys.py"]
TESTS = {
    "uaabench/running/plan.py": [*PLANS, "tests/running/test_options.py"],
    "uaabench/running/entries.py": ["tests/running/test_entries.py", *PLANS],
    "uaabench/running/units.py": ["tests/running/test_units.py", "tests/running/test_plan.py"],
    "uaabench/running/stage.py": ["tests/running/test_stage.py", "tests/running/test_keys.py"],
    "uaabench/running/pipeline.py": ["tests/running/test_work.py", "tests/running/test_workers.py"],
    "uaabench/running/executors/job.py": ["tests/running/test_work.py", "tests/running/test_workers.py"],
    "uaabench/running/executors/pool.py": ["tests/running/test_work.py", "tests/running/test_workers.py"],
    "uaabench/running/store.py": ["tests/running/test_store.py", "tests/running/test_work.py"],
    "uaabench/running/records.py": ["tests/running/test_records.py"],
    "uaabench/running/lock.py": ["tests/running/test_lock.py"],
    "uaabench/core/imaging.py": ["tests/core/test_imaging.py"],
    "uaabench/reporting/gate.py": ["tests/reporting/test_gate.py"],
    "uaabench/statistics/intervals.py": ["tests/statistics/test_intervals.py"],
    "uaabench/statistics/paired.py": ["tests/statistics/test_paired.py"],
    "uaabench/statistics/ranks.py": ["tests/statistics/test_ranks.py"],
    "uaabench/statistics/resampling.py": ["tests/statistics/test_resampling.py"],
}
# Imported once, before the processes that test a mutant are forked.
HEAVY = ("cv2", "pandas", "pydantic", "pytest", "scipy.stats", "torch", "typer")
SURVIVED, KILLED, TIMED_OUT = "survived", "killed", "timed out"


@dataclass(frozen=True)
class Mutant:
    """A module with one place changed."""

    module: str
    code: str

    def diff(self) -> list[str]:
        """What was changed."""
        before = (REPOSITORY / self.module).read_text(encoding="utf-8").splitlines()
        return list(difflib.unified_diff(before, self.code.splitlines(), self.module, "mutant", n=1, lineterm=""))


def mutants(module: str) -> Iterator[Mutant]:
    """All mutants of a module that mutmut would make, in the order of its code."""
    import libcst
    from libcst.metadata import MetadataWrapper
    from mutmut.mutation.file_mutation import MutationVisitor, deep_replace
    from mutmut.mutation.mutators import mutation_operators
    from mutmut.mutation.pragma_handling import IgnoredCode

    visitor = MutationVisitor(mutation_operators, IgnoredCode(set(), set(), set()))
    tree = MetadataWrapper(libcst.parse_module((REPOSITORY / module).read_text(encoding="utf-8"))).visit(visitor)
    for mutation in visitor.mutations:
        if isinstance(mutation.contained_by_top_level_function, libcst.FunctionDef):
            yield Mutant(module, deep_replace(tree, mutation.original_node, mutation.mutated_node).code)


def copy_package(folder: Path) -> None:
    """Lay the package out as the wheel does, with the tests beside it.

    Its bytecode is valid by the hash of the source: two mutants of one second and one size must not be mixed up.
    """
    shutil.copytree(REPOSITORY / "uaabench", folder / "uaabench")
    for name in ("baselines", "datasets"):
        shutil.copytree(REPOSITORY / name, folder / "uaabench" / name)
    shutil.copytree(REPOSITORY / "tests", folder / "tests")
    shutil.copy(REPOSITORY / "pyproject.toml", folder)
    compileall.compile_dir(folder, quiet=1, invalidation_mode=PycInvalidationMode.CHECKED_HASH)


def outcome(folder: Path, tests: Sequence[str], seconds: float) -> tuple[str, str]:
    """Run tests in a copy until one fails: what became of it, and the test that failed.

    Raises:
        RuntimeError: There are no such tests.
    """
    log = folder / "log"
    process = multiprocessing.get_context("fork").Process(target=_run_tests, args=(folder, tests, log))
    process.start()
    process.join(seconds)
    if process.is_alive():
        os.killpg(process.pid, signal.SIGKILL)
        process.join()
        return TIMED_OUT, ""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    if process.exitcode in (4, 5):  # of pytest: wrong usage, nothing collected
        raise RuntimeError("\n".join(lines))
    failed = next((line for line in lines if line.startswith(("FAILED", "ERROR"))), "")
    return (KILLED if process.exitcode else SURVIVED), failed


def _run_tests(folder: Path, tests: Sequence[str], log: Path) -> None:
    import pytest

    os.setsid()
    os.chdir(folder)
    with log.open("w") as file:
        os.dup2(file.fileno(), sys.stdout.fileno())
        os.dup2(file.fileno(), sys.stderr.fileno())
    sys.path.insert(0, str(folder))
    os.environ["PYTHONPATH"] = str(folder)  # for the processes that tests start
    options = ["-x", "-q", "--tb=line", "-p", "no:cacheprovider", f"--basetemp={folder / 'tmp'}"]
    sys.exit(int(pytest.main([*options, *tests])))


def passing(folder: Path, modules: Sequence[str]) -> dict[str, float]:
    """Seconds that the tests of each module take without any mutant.

    Raises:
        RuntimeError: They do not pass.
    """
    took = {}
    for module in modules:
        start = time.monotonic()
        result, test = outcome(folder, TESTS[module], 600)
        took[module] = time.monotonic() - start
        print(f"{took[module]:6.1f} s  {module}: {' '.join(TESTS[module])}", flush=True)
        if result != SURVIVED:
            raise RuntimeError(f"The tests of {module} do not pass as it is: {result} {test}")
    return took


def main() -> None:
    """Draw mutants, test them, and print what became of them."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--mutants", type=int, default=40)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    parser.add_argument("--module", action="append", choices=list(TESTS), help="only of these")
    given = parser.parse_args()
    known = [mutant for module in given.module or TESTS for mutant in mutants(module)]
    drawn = random.Random(given.seed).sample(known, min(given.mutants, len(known)))
    print(f"{len(drawn)} of {len(known)} mutants, seed {given.seed}", flush=True)
    for name in HEAVY:
        importlib.import_module(name)
    counts = dict.fromkeys((KILLED, TIMED_OUT, SURVIVED), 0)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        copy_package(folder)
        took = passing(folder, sorted({mutant.module for mutant in drawn}))
        for mutant in sorted(drawn, key=lambda mutant: mutant.module):
            target = folder / mutant.module
            target.write_text(mutant.code, encoding="utf-8")
            start = time.monotonic()
            result, test = outcome(folder, TESTS[mutant.module], 30 + 3 * took[mutant.module])
            shutil.copy(REPOSITORY / mutant.module, target)
            counts[result] += 1
            diff = mutant.diff()
            print(f"{result:9} {time.monotonic() - start:5.1f} s  {mutant.module} {diff[2]} {test}", flush=True)
            if result == SURVIVED:
                print("\n".join(diff[3:]), flush=True)
    print(", ".join(f"{count} {result}" for result, count in counts.items()))


if __name__ == "__main__":
    main()
