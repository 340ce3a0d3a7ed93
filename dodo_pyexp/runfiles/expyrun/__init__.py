"""Expyrun's dialect of run files."""
