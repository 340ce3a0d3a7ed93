"""What a run reads: files that are declared, and files that it was seen to open."""
