"""What a config may hold: classes with types and defaults, and a config held against them."""
