"""What `manage.py bench_prompt` compares: real tasks, the ways to a better prompt, and one scale for all of them."""
