"""From the monitor's bytes to an alarm: decoders, timeline, prompt, engine, alarm machine."""
