"""What may go of an output folder, and its removal."""
