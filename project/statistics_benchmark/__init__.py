"""What `manage.py bench_statistics` plays: streams of simulated users, looked at after every ten."""
