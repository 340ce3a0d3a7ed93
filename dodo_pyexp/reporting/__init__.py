"""What is told: lines and live progress, failures, listings, graphs; for people and for programs."""
