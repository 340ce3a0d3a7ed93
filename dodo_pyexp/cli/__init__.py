"""The command line: each command parses, calls and prints, and has no logic of its own."""
