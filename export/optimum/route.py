"""A student's checkpoint -> what optimum makes of it: ONNX, then dynamic int8.

What `optimum-cli export onnx` and `optimum-cli onnxruntime quantize` do, with their defaults. Importing this
raises SettingsError where the extra is missing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from barocast.export.optimum.extra import AutoQuantizationConfig, ORTQuantizer, main_export
from barocast.export.optimum.folder import write_folder
from barocast.export.optimum.network import BarocastConfig
from barocast.export.optimum.onnx_config import TASK

if TYPE_CHECKING:
    from pathlib import Path

FOLDER: Final = "transformers"
ONNX: Final = "onnx"
INT8: Final = "int8"
STAGES: Final = (FOLDER, ONNX, INT8)
"""Folders of the whole route's output, each of which optimum's tools take."""
GRAPHS: Final = {ONNX: "model.onnx", INT8: "model_quantized.onnx"}
"""What optimum calls the graph in each."""


def export_with_optimum(folder: Path, out: Path) -> bytes:
    """Export a transformers folder of ours; give the graph.

    Optimum compares it with torch itself, and warns where they differ by more than onnx_config allows.
    """
    main_export(
        str(folder),
        out,
        task=TASK,
        library_name="transformers",
        trust_remote_code=True,
        local_files_only=True,
    )
    return (out / GRAPHS[ONNX]).read_bytes()


def quantize_with_optimum(onnx: Path, out: Path) -> bytes:
    """Quantize an exported folder dynamically, by optimum's preset for AVX2; give the graph."""
    preset = AutoQuantizationConfig.avx2(is_static=False, per_channel=False)
    quantizer = ORTQuantizer(onnx / GRAPHS[ONNX], BarocastConfig.from_pretrained(onnx))
    quantizer.quantize(preset, save_dir=out)
    return (out / GRAPHS[INT8]).read_bytes()


def take_route(checkpoint: Path, out: Path) -> dict[str, bytes]:
    """Go all the way, into the STAGES of `out`; give the graph of each that has one."""
    write_folder(checkpoint, out / FOLDER)
    exact = export_with_optimum(out / FOLDER, out / ONNX)
    return {ONNX: exact, INT8: quantize_with_optimum(out / ONNX, out / INT8)}
