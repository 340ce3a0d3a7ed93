"""From what the user wrote to runs: definitions, configs, dependencies, selection; what is out of date, and why."""
