"""The output folder: its paths, and how the files in it are written and read back."""
