"""What `manage.py bench_insight` measures."""
