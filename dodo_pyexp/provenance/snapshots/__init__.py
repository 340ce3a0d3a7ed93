"""The code as it was: taken when a build starts, and given back."""
