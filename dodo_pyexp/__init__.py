"""The engine of pyexp: experiments as a build, on doit. Users import ``pyexp``; this package is the house behind it.

Where a docstring says what it implements, that is a page in ``docs/``, or a document that was there before the code:
*pyexp README* and *pyexp guide* describe the interface, *Expyrun readme* and *Experimaestro guide* (its page "Running
experiments") the dialects of run files. ``docs/how-it-works.md``, "The code", shows the rooms of the house.
"""

__version__ = "0.1.0"
