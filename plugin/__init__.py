"""What an integrator installs: commands, transports, sinks, virtual monitors."""
