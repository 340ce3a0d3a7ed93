"""The one room that knows doit: runs as tasks, the runner, the database, and the tasks of the user's own."""
