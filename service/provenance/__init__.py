"""Why there is an access token: who gave what it relies on, each as an event of the log."""
