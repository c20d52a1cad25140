"""From the monitor's bytes to an alarm: decoders, timeline, prompt, engine, alarm machine."""

import os

# onnxruntime from 1.32 on keeps a device id and sends usage data, unless it is told not to before its import.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
