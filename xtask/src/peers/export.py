"""Exports the networks that `texp inspect` is tried on: `cargo xtask peers` runs this.

    python export.py FOLDER

Writes FOLDER/NAME.onnx for each of them, as a user would: in training mode, without folding constants.
"""

import pathlib
import sys
import warnings

# Nothing here needs NumPy; PyTorch misses it when it is loaded.
warnings.filterwarnings("ignore", message="Failed to initialize NumPy")
# That this exporter will go one day, and that it does not count batches.
warnings.filterwarnings("ignore", category=DeprecationWarning)
warnings.filterwarnings("ignore", message="ONNX Preprocess - Removing mutation")

import torch

torch.set_default_dtype(torch.float64)

from nets import INSPECTED_NETS, X, made

if __name__ == "__main__":
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name in INSPECTED_NETS:
        training = torch.onnx.TrainingMode.TRAINING
        options = {"dynamo": False, "training": training, "do_constant_folding": False}
        torch.onnx.export(made(name), (X,), folder / (name + ".onnx"), **options)
