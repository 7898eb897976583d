"""What `manage.py bench_datasets` measures, a module for each part."""
