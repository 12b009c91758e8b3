"""`fivestep export RUN --to FORMAT`."""

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from ..machine.files import replacing, unwritable, write_tensors
from ..run import Run

HOW = (
    "Into an nn.Sequential of the same layers: model.load_state_dict(safetensors.torch.load_file({path!r})); "
    "fs.to_torch(fs.Run.load({run!r}).engine) makes one."
)
"""What to do with the weights."""


def export(
    run: Path,
    /,
    *,
    to: Annotated[Literal["onnx", "torch"], Parameter(help="onnx, with the encoder inside, or torch.")] = "onnx",
    out: Annotated[
        Path | None,
        Parameter(name=("--out", "-o"), help="File to write; by default RUN/model.onnx or RUN/torch.safetensors."),
    ] = None,
) -> None:
    """Write a trained network as one file for other programs.

    onnx: takes the raw columns of the table, (N, 1) each, under their names, and gives predictions; any ONNX runtime
    runs it. torch: the weights alone, under the names that torch.nn.Sequential gives them, in the safetensors format.

    Parameters
    ----------
    run
        Folder of the run, such as runs/moons-1.
    """
    trained = Run.load(run, "cpu")
    path = out or run / {"onnx": "model.onnx", "torch": "torch.safetensors"}[to]
    try:
        if to == "torch":
            write_tensors(path, trained.engine.params.named_with_buffers(), {})
        else:
            model = trained.to_onnx()
            with replacing(path) as temporary:
                temporary.write_bytes(model.SerializeToString())
    except OSError as error:
        raise unwritable("--out", path, error, "file") from error
    print(f"The network is in {path}")  # noqa: T201
    if to == "torch":
        print(HOW.format(path=str(path), run=str(run)))  # noqa: T201
