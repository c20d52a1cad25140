"""What `barocast train` offers, a module a command: `HELP`, `add_arguments(parser)`, `run(args, say)`."""
