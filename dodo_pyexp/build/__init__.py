"""doit meets pyexp: doit plans and decides, pyexp executes and remembers."""
