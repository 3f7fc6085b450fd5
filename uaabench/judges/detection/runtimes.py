"""What runs ONNX and TFLite files: each runtime as one function from an input to the outputs by name.

Both come with the optional extra `uaabench[detectors]`, and run on the processor.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from uaabench.core.errors import UsageError, WeightsError

Array = npt.NDArray[Any]
Invoke = Callable[[Array], Mapping[str, Array]]


@dataclass(frozen=True, slots=True)
class Network:
    """A file that a runtime has opened.

    Attributes:
        invoke: Runs it: its input to its outputs by name, in the order of the file.
        shape: Of its input; a length that is open is None.
        dtype: Of its input.
    """

    invoke: Invoke
    shape: tuple[int | None, ...]
    dtype: np.dtype[Any]


def open_network(path: Path) -> Network:
    """Open a file by the runtime for its suffix.

    Raises:
        UsageError: The runtime is not installed, or there is none for this suffix.
        WeightsError: The file cannot be opened, or has several inputs.
    """
    if path.suffix not in RUNTIMES:
        raise UsageError(f"{path} is neither an .onnx nor a .tflite file; name one of these in the card.")
    try:
        return RUNTIMES[path.suffix](path)
    except ImportError as error:
        raise UsageError(
            f"{path.name} needs {error.name}, which is not installed; install it: pip install 'uaabench[detectors]'"
        ) from error
    except WeightsError:
        raise
    except Exception as error:  # the runtimes raise whatever a foreign file makes them stumble over
        reason = " ".join(str(error).split())
        raise WeightsError(f"{path} cannot be opened by the runtime of {path.suffix} files: {reason}") from error


def _onnx(path: Path) -> Network:
    import onnxruntime
    import torch

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = torch.get_num_threads(), 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(path.read_bytes(), options, providers=["CPUExecutionProvider"])
    (facts,) = _one_input(session.get_inputs(), path)
    names = [output.name for output in session.get_outputs()]
    shape = tuple(length if isinstance(length, int) else None for length in facts.shape)

    def invoke(values: Array) -> dict[str, Array]:
        return dict(zip(names, session.run(names, {facts.name: values}), strict=True))

    return Network(invoke, shape, _ONNX_TYPES.get(facts.type, _UNKNOWN))


_UNKNOWN: np.dtype[Any] = np.dtype("O")
_ONNX_TYPES: dict[str, np.dtype[Any]] = {
    "tensor(float)": np.dtype(np.float32),
    "tensor(float16)": np.dtype(np.float16),
    "tensor(uint8)": np.dtype(np.uint8),
}


def _tflite(path: Path) -> Network:
    import torch
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=path.read_bytes(), num_threads=torch.get_num_threads())
    interpreter.allocate_tensors()
    (facts,) = _one_input(interpreter.get_input_details(), path)
    outputs = interpreter.get_output_details()

    def invoke(values: Array) -> dict[str, Array]:
        interpreter.set_tensor(facts["index"], values)
        interpreter.invoke()
        return {output["name"]: interpreter.get_tensor(output["index"]) for output in outputs}

    return Network(invoke, tuple(map(int, facts["shape"])), np.dtype(facts["dtype"]))


def _one_input(inputs: Any, path: Path) -> Any:
    if len(inputs) != 1:
        raise WeightsError(f"{path} has {len(inputs)} inputs; a detector takes one image, export it so.")
    return inputs


RUNTIMES: dict[str, Callable[[Path], Network]] = {".onnx": _onnx, ".tflite": _tflite}
