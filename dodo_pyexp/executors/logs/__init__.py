"""What runs print: captured, written down without the secrets that are known, and shown."""
