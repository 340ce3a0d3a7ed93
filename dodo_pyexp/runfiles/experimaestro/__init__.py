"""Experimaestro's dialect of run files, and its experiments in Python."""
