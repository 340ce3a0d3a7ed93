"""What the code of an experiment is: which code a function reaches, and a fingerprint of it."""
