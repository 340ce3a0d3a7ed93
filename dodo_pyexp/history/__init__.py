"""Past runs: executed again, compared, accepted."""
