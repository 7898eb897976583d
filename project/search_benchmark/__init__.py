"""What `manage.py bench_search` plays: scripted tasks on which the true accuracy of every prompt is known."""
