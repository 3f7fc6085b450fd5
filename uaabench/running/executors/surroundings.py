"""What a worker on another machine must find there: the run directory, the same files, the same packages."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from uaabench.core import files, registry
from uaabench.core.errors import ClusterError, StorageError
from uaabench.core.version import __version__
from uaabench.running.config import RunConfig
from uaabench.running.manifest import package_versions
from uaabench.running.units import Unit

# Only what is meant for this package is given to workers: which GPUs a worker sees, for one, is its own affair.
OWN_VARIABLES = "UAABENCH_"


@dataclass(frozen=True)
class Surroundings:
    """Where a run was started, as its workers must find it.

    Attributes:
        token: What tells this call of the run from all others.
        run: The run directory.
        host: Name of the machine that started it.
        folder: The working directory, which relative paths start from.
        variables: The environment variables of this package.
        packages: Versions of what numbers depend on.
        files: Files that workers read, each with its SHA-256; empty where only its presence counts.
    """

    token: str
    run: Path
    host: str
    folder: Path
    variables: Mapping[str, str]
    packages: Mapping[str, str]
    files: Mapping[Path, str]

    @classmethod
    def of(cls, run: Path, config: RunConfig, units: Sequence[Unit]) -> Surroundings:
        """Those of this process."""
        return cls(
            uuid4().hex,
            run.absolute(),
            socket.gethostname(),
            Path.cwd(),
            {name: value for name, value in os.environ.items() if name.startswith(OWN_VARIABLES)},
            {"uaabench": __version__, **package_versions()},
            dict(_needed(config, units)),
        )

    def enter(self) -> None:
        """Make this worker's working directory and variables those of the run.

        Raises:
            ClusterError: The folder is not there.
        """
        os.environ.update(self.variables)
        try:
            os.chdir(self.folder)
        except OSError as error:
            raise ClusterError(self.not_shared(self.folder)) from error

    def fault(self) -> str:
        """What is wrong with this worker, in a sentence, while the run is `shown`; empty where nothing is."""
        if not self._shown.is_file():
            return self.not_shared(self.run)
        if not self.folder.is_dir():
            return self.not_shared(self.folder)
        other = {"uaabench": __version__, **package_versions()}
        for name, version in self.packages.items():
            if other[name] != version:
                return (
                    f"The worker on {socket.gethostname()} has {name} {other[name]}, but the run was started with "
                    f"{version}: install the same on both, as numbers depend on it."
                )
        return next((self.not_shared(path) for path in self.files if not self._is_here(path)), "")

    @contextmanager
    def shown(self) -> Iterator[None]:
        """A file in the run directory by which a worker knows that it sees the same folder.

        Raises:
            StorageError: It cannot be written.
        """
        try:
            self._shown.touch()
            yield
        except OSError as error:
            raise StorageError.of(self._shown, error) from error
        finally:
            self._shown.unlink(missing_ok=True)

    @property
    def _shown(self) -> Path:
        return self.run / f".shared-{self.token}.partial"

    def _is_here(self, path: Path) -> bool:
        try:
            return path.exists() and (not self.files[path] or files.sha256(path) == self.files[path])
        except OSError:
            return False

    def not_shared(self, path: Path) -> str:
        """Say that this worker does not find a path."""
        return (
            f"The worker on {socket.gethostname()} does not find {path} as it is on {self.host}: put it "
            "on a file system that all workers share, at the same path."
        )


def _needed(config: RunConfig, units: Sequence[Unit]) -> Iterator[tuple[Path, str]]:
    """The files and folders that workers read: plug-ins, weights, judges, and of each data set one image."""
    for plugin in config.plugins:
        for name, digest in registry.plugin_sources(plugin).items():
            yield plugin.absolute().parent / name, digest
    for name in (config.segmenter, config.detector):
        for part in filter(None, name.split("@")):
            if Path(part).exists():
                yield Path(part).absolute(), ""
    for unit in units:
        if unit.method.folder is not None:
            yield unit.method.folder.absolute(), ""
        if unit.method.weights.path is not None:
            yield unit.method.weights.path.absolute(), ""
        for pair in unit.dataset.pairs[:1]:
            yield pair.ir.absolute(), ""
