"""The native dialect of run files."""
