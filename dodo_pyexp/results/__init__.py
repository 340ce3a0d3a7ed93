"""What runs give back: Result, how it is saved and read, tables of results."""
