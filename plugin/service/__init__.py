"""The service: several beds, an engine of their own, a watchdog that is earned."""
