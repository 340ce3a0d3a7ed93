"""How the code of a run reaches its process, and how imports there lead to the copies of the user's folders."""
