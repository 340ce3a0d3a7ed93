"""What was a run made of? The code (snapshot), the environment, the host; nothing here knows runs."""
