"""Runs in forks of the build: the fork server, and what a fork needs to be a process of its own."""
