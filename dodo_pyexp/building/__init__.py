"""Where all doors meet: from what was asked for to a build."""
