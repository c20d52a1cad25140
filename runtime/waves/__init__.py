"""From the arterial waveform to beats, their quality, and the numerics that they give."""
