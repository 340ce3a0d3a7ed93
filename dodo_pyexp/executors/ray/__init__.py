"""Runs on a Ray cluster: joining it, submitting, what a node does, what comes back. Ray itself is imported late."""
