"""The engine of pyexp: experiments as a build, on doit. Users import ``pyexp``; this package is the house behind it."""

__version__ = "0.1.0"
