"""Where secrets are recognised, and how they are kept off the disk."""
